"""What stands within a line of Markdown: its words without the markup, and its links."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from ragqa.notes.lines import COLONS, MAX_LABEL_CHARS, one_line
from ragqa.types import Link

MAX_NESTING = 60
"""Quotes and lists in one another; deeper text is kept without its structure."""

MAX_INLINE_CHARS = 50_000
MAX_BRACKETS = 50_000
"""Each `[` costs up to 25 microseconds, whether or not it is a link."""

_WIKILINK = re.compile(r"!?\[\[([^\[\]\n]{1,500})\]\]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
# As Obsidian has it: after white space, with at least one character that is no digit.
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
    """Make what reads the inline text of this note."""
    return Inline(is_crude=text.count("[") > MAX_BRACKETS)


def _wikilink(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    match = _WIKILINK.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        target, _, label = match[1].partition("|")
        token = state.push("wikilink", "", 0)
        # In a table the bar is written `\|`.
        token.meta = {"target": target.removesuffix("\\").strip()}
        token.content = label.strip() or token.meta["target"]
    state.pos = match.end()
    return True


@dataclass(frozen=True, slots=True)
class Inline:
    """Reads the inline text of one note; `env` holds its link reference definitions.

    With `is_crude` markup is left in labels and no link is found: a note with more brackets than
    any author writes would take minutes.
    """

    is_crude: bool
    env: dict[str, object] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader of the note should know."""
        crude = f"more than {MAX_BRACKETS:,} brackets: its links are not read"
        return (crude,) if self.is_crude else ()

    def label(self, source: str) -> str:
        """The words of a heading, cell or line, without markup, on one line of bounded length."""
        source = source[: 4 * MAX_LABEL_CHARS]
        words = source if self.is_crude else "".join(_words(self._parse(source)))
        return one_line(words)

    def introduction(self, paragraph: str) -> str:
        """The sentence that introduces a list: a paragraph's last, if it ends with a colon."""
        end = " ".join(paragraph[-4 * MAX_LABEL_CHARS :].split())
        label = self.label(_SENTENCE_END.split(end)[-1])
        return label if label.endswith(COLONS) else ""

    def links(self, source: str) -> Iterator[Link]:
        """The links to other notes; those to the web and within the note are left out."""
        if self.is_crude or "[" not in source or len(source) > MAX_INLINE_CHARS:
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
        """The tags, without their `#`; what is code, a link's address or escaped is none."""
        if "#" not in source or len(source) > MAX_INLINE_CHARS:
            return
        # Delimiters such as `_` are tokens of their own; all that is not text parts words.
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
