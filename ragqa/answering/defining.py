"""Find the paragraph that defines a term, under a title, alias or heading."""

import re
from collections.abc import Iterable, Mapping, Sequence

from ragqa.answering.layout import Layout, Run
from ragqa.text.markdown import plain_text
from ragqa.text.words import index_terms
from ragqa.types import Kind

PARAGRAPH_WORDS = 80
"""The most words shown of a defining paragraph; its first sentence is always shown."""

_MIN_IDF_SHARE = 0.5
"""A term of the subject must have this share of the highest idf to identify it."""

_MAX_TERMS_BEFORE = 4
"""The first sentence names the subject after at most this many terms."""

_ARTICLES = frozenset({"a", "an", "the"})
_SEPARATOR = re.compile(r"(?<!\s)\s+(?:and|or|vs\.?|&|/)\s+|[:\u2013\u2014]\s+")

_Terms = tuple[str, ...]


def defining_run(
    layout: Layout, subject: Sequence[str], idf: Mapping[str, float]
) -> tuple[int, Run] | None:
    """The paragraph that defines the subject, and how directly; None if there is none.

    The number is 0 if the note's title names the subject, 1 if a heading does, and 2 if only its
    first paragraph does. A heading may name it as a whole, in brackets, or in part: "LoRA and
    QLoRA". The paragraph's first sentence must name the subject near its beginning.

    :param subject: the terms of what is to be defined.
    """
    names = _subjects(subject, idf)
    if not names or not layout.pieces:
        return None
    passage = layout.pieces[0].passage
    if not names.isdisjoint(_names((passage.title, *passage.aliases), passage.language)):
        found = _first_naming(layout, 0, len(layout.pieces), names)
        if found is not None:
            return 0, paragraph_from(layout, found)
    for i, piece in enumerate(layout.pieces):
        if piece.kind is Kind.HEADING and not names.isdisjoint(
            _names([layout.quote((i, i))], piece.passage.language)
        ):
            end = layout.section(i + 1)[1] + 1 if i + 1 < len(layout.pieces) else i
            found = _first_naming(layout, i + 1, end, names)
            if found is not None:
                return 1, paragraph_from(layout, found)
    lead = next((i for i, p in enumerate(layout.pieces) if p.kind is Kind.PARAGRAPH), None)
    if lead is not None and _first_naming(layout, lead, lead + 1, names) == lead:
        return 2, paragraph_from(layout, lead)
    return None


def _subjects(subject: Sequence[str], idf: Mapping[str, float]) -> frozenset[_Terms]:
    """The subject whole, and its distinctive terms: "workspaces" of "npm workspaces"."""
    whole = tuple(term for term in subject if term not in _ARTICLES)
    highest = max((idf.get(term, 0.0) for term in whole), default=0.0)
    distinctive = tuple(term for term in whole if idf.get(term, 0.0) >= _MIN_IDF_SHARE * highest)
    return frozenset({whole, distinctive} - {()})


def _names(labels: Iterable[str], language: str) -> frozenset[_Terms]:
    """The terms of each name in titles, aliases or headings."""
    names: list[str] = []
    for label in labels:
        text = plain_text(label, kind=Kind.HEADING).strip("?:. ")
        names += [text, *_SEPARATOR.split(text)]
        names += _bracketed(text)
    return frozenset(_terms(name, language) for name in names)


def _bracketed(text: str) -> tuple[str, ...]:
    """What stands before the bracket that ends a text, and in it: "Low-rank adaptation (LoRA)"."""
    before, opening, rest = text.rstrip().rpartition("(")
    inside = rest.removesuffix(")")
    return (before.rstrip(), inside) if opening and inside != rest and ")" not in inside else ()


def _terms(text: str, language: str) -> _Terms:
    return tuple(term for term in index_terms(text, language) if term not in _ARTICLES)


def _first_naming(layout: Layout, begin: int, end: int, names: Iterable[_Terms]) -> int | None:
    """The first paragraph in a range that begins by naming the subject; its first piece."""
    for i in range(begin, end):
        begins = layout.pieces[i].kind is Kind.PARAGRAPH and layout.block(i)[0] == i
        if begins and not layout.leaves_open(i):
            text = plain_text(layout.quote((i, i)), kind=Kind.PARAGRAPH)
            terms = _terms(text, layout.pieces[i].passage.language)
            if any(_begins_with(terms, subject) for subject in names):
                return i
    return None


def _begins_with(terms: _Terms, subject: _Terms) -> bool:
    return any(
        terms[start : start + len(subject)] == subject for start in range(_MAX_TERMS_BEFORE + 1)
    )


def paragraph_from(layout: Layout, begin: int) -> Run:
    """A paragraph from one of its sentences on, within the word limit."""
    end = layout.block(begin)[1]
    while end > begin and layout.words((begin, end)) > PARAGRAPH_WORDS:
        end -= 1
    return begin, end
