"""Escape what Markdown or Obsidian would take for markup in extracted text."""

import re

_MARKUP = re.compile(
    r"[`*]|\\(?=[!-/:-@\[-`{-~])|<(?=[A-Za-z/!?%])|~(?=~)|(?<=~)~|%(?=%)|(?<=%)%"
    r"|(?<!\w)_|_(?!\w)|\[(?=[\[^!])|(?<=\])[(:]|(?<!\S)#(?=\S)|&(?=#?\w+;)"
    r"|^(?:[>|+=]|#(?=#*(?:\s|$))|-(?=\s|[- ]*$))",
    re.MULTILINE,
)


def escaped(text: str, mark: str = "\\") -> str:
    """The text as Markdown that says the same.

    :param mark: what to put before each character that would be markup.
    """
    return _MARKUP.sub(lambda found: mark + found[0], text)
