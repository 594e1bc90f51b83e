"""Escape what Markdown or Obsidian would take for markup in extracted text."""

import re
from collections.abc import Iterable

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


def label(names: Iterable[str]) -> str:
    """What several header rows call one column, such as "2024 / Q1"."""
    return " / ".join(dict.fromkeys(filter(None, map(str.strip, names))))
