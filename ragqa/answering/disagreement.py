"""Find notes that disagree on an answer: in a figure, a date or a plain "not".

No model is used, and only English is compared. Sentences of two notes disagree if their words are
about the same thing and they differ in one thing that cannot be true twice. Uncertain cases are not
reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.answering.score import citation_of
from ragqa.answering.sentences import Candidate
from ragqa.answering.short_answer import counterpart
from ragqa.claims.answers import Answer, Asked, read_answer, read_asked
from ragqa.claims.difference import Difference, difference
from ragqa.languages import ENGLISH
from ragqa.types import Citation, Disagreement, Kind, Span

MIN_CLOSENESS = 0.45
"""The least closeness to the question at which an uncited sentence is compared."""

MAX_SHOWN = 3
"""At most this many disagreements are reported."""

_FULL_COVERAGE = 0.999
_COMPARED_KINDS = (Kind.PARAGRAPH, Kind.ITEM, Kind.ROW)
_MAX_CHARS = 600

_Side = tuple[Citation, str, Span]
"""A citation, its sentence as plain text, and the span of that which differs."""


def disagreements(
    question: str,
    cited: Sequence[Candidate],
    candidates: Sequence[Candidate],
    *,
    old_before: str = "",
) -> tuple[Disagreement, ...]:
    """Where a cited sentence disagrees with another note's sentence that is cited or relevant.

    :param cited: the sentences of the answer, in the order of their citations.
    :param candidates: all scored sentences, those of the answer included.
    :param old_before: as in `citation_of`.
    """
    numbers = {one.place: n for n, one in enumerate(cited, start=1)}
    found: dict[tuple[str, frozenset[str]], Disagreement] = {}
    for pair in _contradictions(question, cited, candidates):
        first, second = (
            citation_of(each, numbers.get(each.place, 0), old_before)
            for each in (pair.one, pair.other)
        )
        disagreement = _newest_first(
            pair.difference.about,
            (first, pair.texts[0], pair.difference.spans[0]),
            (second, pair.texts[1], pair.difference.spans[1]),
        )
        found.setdefault((disagreement.about, frozenset(disagreement.says)), disagreement)
    return tuple(found.values())[:MAX_SHOWN]


def prefer_newest(
    question: str, sentences: Sequence[Candidate], candidates: Sequence[Candidate]
) -> list[Candidate]:
    """The sentences of an answer, each replaced by one of a newer note that contradicts it.

    A sentence stays if its note, or the contradicting one, has no date.
    """
    newer: dict[tuple[str, int], Candidate] = {}
    for pair in _contradictions(question, sentences, candidates):
        older, younger = sorted((pair.one, pair.other), key=_date)
        place = older.place
        if _date(older) and _date(newer.get(place, older)) < _date(younger):
            newer[place] = younger
    preferred = [newer.get(one.place, one) for one in sentences]
    return list({one.place: one for one in preferred}.values())


def _date(one: Candidate) -> str:
    return one.hit.passage.note_date


@dataclass(frozen=True, slots=True)
class _Contradiction:
    """Sentences of two notes that differ, the first one cited, with their texts."""

    one: Candidate
    other: Candidate
    texts: tuple[str, str]
    difference: Difference


def _contradictions(
    question: str, cited: Sequence[Candidate], candidates: Sequence[Candidate]
) -> Iterator[_Contradiction]:
    asked = read_asked(question)
    places = {one.place for one in cited}
    compared = _compared(cited, candidates)
    for i, one in enumerate(compared):
        for other in compared[i + 1 :] if one.place in places else ():
            if one.hit.passage.path != other.hit.passage.path:
                found = difference(asked, _answer(one, asked), _answer(other, asked))
                if found is not None:
                    texts = one.text, other.text
                    yield _Contradiction(one, other, texts, found)


def _compared(cited: Sequence[Candidate], candidates: Sequence[Candidate]) -> list[Candidate]:
    """The sentences to compare: the cited ones, then relevant ones, best first."""
    places = {one.place for one in cited}
    near = [one for one in candidates if one.place not in places and _is_close(one)]
    return [
        one
        for one in (*cited, *sorted(near, key=lambda one: -one.score))
        if one.unit.kind in _COMPARED_KINDS
        and one.language == ENGLISH
        and len(one.text) <= _MAX_CHARS
    ]


def _is_close(one: Candidate) -> bool:
    """Whether a sentence is close to the question by absolute measures; scores are relative.

    Coverage decides where the embedder cannot read the question, or where it is complete.
    """
    coverage = one.signals["coverage"]
    closeness = (one.signals["cosine"] + one.signals["maxsim"]) / 2 or coverage
    return closeness >= MIN_CLOSENESS or coverage >= _FULL_COVERAGE


def _answer(one: Candidate, asked: Asked) -> Answer:
    passage = one.hit.passage
    return read_answer(one.text, (passage.title, *passage.heading), asked)


def _newest_first(about: str, one: _Side, other: _Side) -> Disagreement:
    """The disagreement with the newer note first; one without a date counts as the oldest."""
    if one[0].note_date < other[0].note_date:
        one, other = other, one
    (first, text, span), (second, other_text, other_span) = one, other
    return Disagreement(
        about,
        (first, second),
        (text, other_text),
        (span, other_span),
        (_in_note(*one), _in_note(*other)),
    )


def _in_note(citation: Citation, text: str, span: Span) -> Span | None:
    """The characters of the note for a span of the sentence; None where they are unclear."""
    place = counterpart(text, span, citation.quote)
    start = citation.chars[0]
    return place and (start + place[0], start + place[1])
