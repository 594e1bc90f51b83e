"""Escape what Markdown or Obsidian would take for markup in a line of extracted text."""

import re

_MARKUP = re.compile(
    r"[`*]|\\(?=[!-/:-@\[-`{-~])|<(?=[A-Za-z/!?%])|~(?=~)|(?<=~)~|%(?=%)|(?<=%)%"
    r"|(?<!\w)_|_(?!\w)|\[(?=[\[^!])|(?<=\])[(:]|(?<!\S)#(?=\S)|&(?=#?\w+;)"
    r"|^(?:[>|+=]|#(?=#*(?:\s|$))|-(?=\s|[- ]*$))"
)


def escaped(line: str) -> str:
    """The line as Markdown that says the same."""
    return _MARKUP.sub(r"\\\g<0>", line)
