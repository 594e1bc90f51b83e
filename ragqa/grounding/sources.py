"""The passages that an answer cites, read once: their sentences and what each of them says."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.embedders import Embedder
from ragqa.grounding.statements import Span, Statement, state
from ragqa.notes.markdown import parse_markdown
from ragqa.passages import unit_spans
from ragqa.types import Kind, TokenVectors

MAX_CHARS = 20_000
"""More of a passage is not read; those of an index are far shorter."""

# The target of a link, which a reader does not see.
_TARGET = re.compile(r"(?<=\])\([^()\n]{0,300}\)|(?<=\[\[)[^\[\]|\n]{1,200}\|")


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as an LLM is given it: the title and headings above it, and its text."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence, item, row or block of code, at `span` of the text of a source.

    `source` is the number by which that is cited, from 1.
    """

    source: int
    span: Span
    kind: Kind
    statement: Statement


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of an answer as read.

    `headings` has for each source what stands above it, `parts` are those of all sources in order.
    `embedder` reads what is held against them; None where it cannot read their script.
    """

    texts: tuple[str, ...]
    headings: tuple[Statement, ...]
    parts: tuple[Part, ...]
    embedder: Embedder | None


def read_sources(
    sources: Sequence[Source], embedder: Embedder, *, by_terms_alone: bool = False
) -> Sources:
    """Read the sources of an answer: once, however many sentences are held against them.

    Their texts should fit the embedder's window, as passages do; of what is beyond it only the
    words are compared, not what they mean.

    :param by_terms_alone: the embedder cannot read their script (see `Retrieved`).
    """
    cut = [Source(one.heading[:MAX_CHARS], one.text[:MAX_CHARS]) for one in sources]
    shown = [f"{one.heading}\n{one.text}" for one in cut]
    encoded: Sequence[TokenVectors | None] = (
        [None] * len(cut) if by_terms_alone else embedder.embed_sentences(shown)
    )
    headings, parts = [], []
    for number, (one, text, tokens) in enumerate(zip(cut, shown, encoded, strict=True), start=1):
        headings.append(state(text, (0, len(one.heading)), tokens))
        seen = _TARGET.sub(lambda target: " " * len(target[0]), text)
        behind = len(one.heading) + len("\n")
        for (start, end), kind in _spans(one.text):
            statement = state(seen, (start + behind, end + behind), tokens)
            parts.append(Part(number, (start, end), kind, statement))
    return Sources(
        texts=tuple(one.text for one in cut),
        headings=tuple(headings),
        parts=tuple(parts),
        embedder=None if by_terms_alone else embedder,
    )


def _spans(text: str) -> Iterator[tuple[Span, Kind]]:
    for block in parse_markdown(text, 0).blocks:
        if block.kind is not Kind.RULE:
            yield from ((span, block.kind) for span in unit_spans(text, block))
