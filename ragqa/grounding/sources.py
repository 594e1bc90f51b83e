"""The passages that an answer cites, read once: their sentences and what each of them says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.embedders import Embedder
from ragqa.grounding.statements import Span, Statement, state
from ragqa.notes.markdown import parse_markdown
from ragqa.passages import unit_spans
from ragqa.readers import Neutral, Reader, Text
from ragqa.types import Block, Kind, TokenVectors

MAX_CHARS = 20_000
MAX_PARTS = 400
"""More of a passage is not read; those of an index are far shorter."""

_ABOVE = (Kind.HEADING, Kind.TABLE_HEAD)


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as an LLM is given it: the title and headings above it, and its text."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence, item, row or block of code, at `span` of the text of a source.

    `source` is the number by which that is cited, from 1. `above` are the headings over it, and the
    header of its table or the line that announces its list.
    """

    source: int
    span: Span
    kind: Kind
    statement: Statement
    above: Statement


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of an answer as read.

    `parts` are those of all sources in order. `embedder` reads what is held against them; None
    where it cannot read their script. `reader` reads both together.
    """

    texts: tuple[Text, ...]
    parts: tuple[Part, ...]
    embedder: Embedder | None
    reader: Reader


def read_sources(
    sources: Sequence[Source],
    embedder: Embedder,
    *,
    reader: Reader | None = None,
    by_terms_alone: bool = False,
) -> Sources:
    """Read the sources of an answer: once, however many sentences are held against them.

    Their texts should fit the embedder's window, as passages do; of what is beyond it only the
    words are compared, not what they mean.

    :param reader: judges whether they support what is held against them; the neutral one where it
        is None.
    :param by_terms_alone: the embedder cannot read their script (see `Retrieved`).
    """
    cut = [Source(one.heading[:MAX_CHARS], one.text[:MAX_CHARS]) for one in sources]
    encoded: Sequence[TokenVectors | None] = [None] * len(cut)
    if not by_terms_alone:
        encoded = embedder.embed_sentences([f"{one.heading}\n{one.text}" for one in cut])
    read = list(zip(cut, encoded, strict=True))
    return Sources(
        texts=tuple(Text(one.heading, one.text) for one in cut),
        parts=tuple(
            part
            for number, (one, tokens) in enumerate(read, start=1)
            for part in _parts(number, one, tokens)
        ),
        embedder=None if by_terms_alone else embedder,
        reader=reader or Neutral(),
    )


def _parts(number: int, source: Source, tokens: TokenVectors | None) -> Iterator[Part]:
    """What a source says; its headings only where it says nothing else."""
    behind = len(source.heading) + len("\n")
    spans = list(_spans(source.text))[:MAX_PARTS]
    saying = [one for one in spans if one[1].kind not in _ABOVE]
    above: dict[str, Statement] = {}
    for (start, end), block in saying or spans:
        label = block.label if block.kind not in _ABOVE else ""
        if label not in above:
            above[label] = state(f"{source.heading}\n{label}")
        statement = state(source.text[start:end], tokens, start + behind)
        if statement.words:
            yield Part(number, (start, end), block.kind, statement, above[label])


def _spans(text: str) -> Iterator[tuple[Span, Block]]:
    for block in parse_markdown(text, 0).blocks:
        yield from ((span, block) for span in unit_spans(text, block))
