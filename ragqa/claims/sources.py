"""Read the cited passages once: their sentences, and what each is compared by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragqa.claims.encoding import Encoded, encode
from ragqa.embedders import Embedder
from ragqa.languages import ENGLISH
from ragqa.notes.markdown import parse_markdown
from ragqa.passages.parts import unit_spans
from ragqa.readers import Reader, Text
from ragqa.types import Block, Kind, Span, TokenVectors

MAX_CHARS = 20_000
MAX_PARTS = 400
"""The most of a passage that is read; indexed passages are far shorter."""

_ABOVE = (Kind.HEADING, Kind.TABLE_HEAD)


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as the LLM sees it: the title and headings above it, and its text.

    `language` is as in `Passage`.
    """

    heading: str
    text: str
    language: str = ENGLISH


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence, item, row or block of code, at `span` of a source's text.

    `source` is its citation number, from 1. `above` has the headings over it, and its table's
    header or its list's lead-in.
    """

    source: int
    span: Span
    kind: Kind
    statement: Encoded
    above: Encoded


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of an answer as read.

    `parts` are those of all sources in order. `embedder` reads the sentences to check; it is None
    where it cannot read the sources' script. `reader` judges source and sentence together.
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
    """Read the sources of an answer once, for any number of sentences to check.

    Texts should fit the embedder's window, as passages do; beyond it only stems are compared.

    :param reader: judges whether the sources support a sentence; by default the neutral one.
    :param by_terms_alone: the embedder cannot read their script (see `Question`).
    """
    cut = [
        replace(one, heading=one.heading[:MAX_CHARS], text=one.text[:MAX_CHARS]) for one in sources
    ]
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
        reader=reader or Reader(),
    )


def _parts(number: int, source: Source, tokens: TokenVectors | None) -> Iterator[Part]:
    """The parts of a source; headings only where it has nothing else."""
    offset = len(source.heading) + len("\n")
    spans = list(_spans(source.text))[:MAX_PARTS]
    content = [one for one in spans if one[1].kind not in _ABOVE]
    above: dict[str, Encoded] = {}
    for (start, end), block in content or spans:
        label = block.label or " | ".join(block.labels) if block.kind not in _ABOVE else ""
        if label not in above:
            above[label] = encode(f"{source.heading}\n{label}", language=source.language)
        statement = encode(source.text[start:end], tokens, start + offset, source.language)
        if statement.words:
            yield Part(number, (start, end), block.kind, statement, above[label])


def _spans(text: str) -> Iterator[tuple[Span, Block]]:
    for block in parse_markdown(text, 0).blocks:
        yield from ((span, block) for span in unit_spans(text, block))
