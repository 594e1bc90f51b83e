"""Inline Markdown: words without markup, links and tags."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from ragqa.notes.lines import COLONS, MAX_LABEL_CHARS, one_line
from ragqa.text.markdown import link_words
from ragqa.types import Link

MAX_NESTING = 60
"""Nested quotes and lists; deeper text is kept without its structure."""

MAX_INLINE_CHARS = 50_000
MAX_BRACKETS = 50_000
"""Each `[` costs up to 25 microseconds, whether or not it is a link."""

MAX_DEEP = 1_000
"""So many `[` may stand within more than `_DEEP` open ones: each costs as much again a level."""

_DEEP = 8

_BRACKET = re.compile(r"[\[\]]|\n[ \t]*\n")
_WIKILINK = re.compile(r"!?\[\[([^\[\]\n]{1,500})\]\]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
# Obsidian's rule: after white space, with at least one character that is not a digit.
_TAG = re.compile(r"(?<![^\s(])#([\w/-]{0,200}[^\W\d][\w/-]{0,200})")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])")


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """CommonMark with tables, strikethrough and `[[wikilinks]]`; inline text is left unparsed."""
    made = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
    made.enable(["table", "strikethrough"]).disable(["inline", "text_join"])
    made.inline.ruler.before("link", "wikilink", _wikilink)
    return made


def inline_of(text: str) -> "Inline":
    """Make the reader of this note's inline text."""
    return Inline(too_many_brackets=_has_too_many_brackets(text))


def _has_too_many_brackets(text: str) -> bool:
    count = text.count("[")
    if not MAX_DEEP < count <= MAX_BRACKETS:
        return count > MAX_BRACKETS
    depth = deep = 0
    for bracket in _BRACKET.findall(text):
        # No link goes on beyond a blank line.
        depth = depth + 1 if bracket == "[" else max(0, depth - 1) if bracket == "]" else 0
        deep += bracket == "[" and depth > _DEEP
    return deep > MAX_DEEP


def _wikilink(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    match = _WIKILINK.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        target, _, label = match[1].partition("|")
        token = state.push("wikilink", "", 0)
        # In a table the bar is written `\|`.
        token.meta = {"target": target.removesuffix("\\").strip()}
        token.content = label.strip() or link_words(token.meta["target"])
    state.pos = match.end()
    return True


@dataclass(frozen=True, slots=True)
class Inline:
    """Reads the inline text of one note; `env` holds its link reference definitions.

    With `too_many_brackets`, labels keep their markup and no links or tags are found in the text:
    parsing would take minutes.
    """

    too_many_brackets: bool
    env: dict[str, object] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the note."""
        warning = (
            f"more than {MAX_BRACKETS:,} brackets, or {MAX_DEEP:,} within others: "
            "its links and the tags in its text are not read"
        )
        return (warning,) if self.too_many_brackets else ()

    def label(self, source: str) -> str:
        """The words of a heading, cell or line, without markup, on one line of bounded length."""
        source = source[: 4 * MAX_LABEL_CHARS]
        words = source if self.too_many_brackets else "".join(_words(self._parse(source)))
        return one_line(words)

    def introduction(self, paragraph: str) -> str:
        """The sentence that introduces a list: a paragraph's last, if it ends with a colon."""
        end = " ".join(paragraph[-4 * MAX_LABEL_CHARS :].split())
        label = self.label(_SENTENCE_END.split(end)[-1])
        return label if label.endswith(COLONS) else ""

    def links(self, source: str) -> Iterator[Link]:
        """The links to other notes, not those to the web or within the note."""
        if self.too_many_brackets or "[" not in source or len(source) > MAX_INLINE_CHARS:
            return
        for token in self._parse(source):
            if token.type == "wikilink":
                target, is_wiki = str(token.meta["target"]), True
            elif token.type == "link_open":
                target, is_wiki = str(token.attrGet("href") or ""), False
            else:
                continue
            target = target.partition("#")[0].strip()
            if target and (is_wiki or not _SCHEME.match(target)):
                yield Link(target if is_wiki else unquote(target), is_wiki)

    def tags(self, source: str) -> Iterator[str]:
        """The tags without their `#`; those in code, link targets or escaped do not count."""
        if self.too_many_brackets or "#" not in source or len(source) > MAX_INLINE_CHARS:
            return
        # Delimiters such as `_` are separate tokens; any token but text separates words.
        tokens = self._parse(source)
        text = "".join(token.content if token.type == "text" else " " for token in tokens)
        yield from (tag for each in _TAG.findall(text) if (tag := each.strip("/")))

    def _parse(self, source: str) -> list[Token]:
        tokens: list[Token] = []
        parser().inline.parse(source, parser(), self.env, tokens)
        return tokens


def _words(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "image":
            yield from _words(token.children or ())
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type != "html_inline":
            yield token.content
        elif token.content.lower().startswith("<br"):
            yield " "
