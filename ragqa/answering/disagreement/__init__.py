"""Where two sentences answer one question differently: a figure, a date, a no, an opposite.

No model is asked. Two sentences of different notes disagree where they are about the same, word by
word, and differ in one thing that cannot hold twice. What is not sure is no disagreement.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.answering.disagreement.comparing import Difference, difference
from ragqa.answering.disagreement.statements import Asked, Statement, ask, state
from ragqa.answering.entities import Span
from ragqa.answering.quoting import citation_of
from ragqa.answering.scoring import Scored
from ragqa.answering.short_answer import counterpart
from ragqa.types import Citation, Disagreement, Kind

__all__ = ["Difference", "ask", "difference", "disagreements", "prefer_newest", "state"]

NEAR = 0.45
"""A sentence that is not cited is compared from this closeness to the question on."""

MOST = 3
"""More disagreements than these are not told."""

_ALL = 0.999
_COMPARED = (Kind.PARAGRAPH, Kind.ITEM, Kind.ROW)
_MAX_CHARS = 600

_Said = tuple[Citation, str, Span]
"""A citation, its sentence as a reader sees it, and the characters of that which differ."""


def disagreements(
    question: str, cited: Sequence[Scored], candidates: Sequence[Scored], *, old_before: str = ""
) -> tuple[Disagreement, ...]:
    """Where a cited sentence disagrees with another one, cited or near, of another note.

    :param cited: the sentences of the answer, in the order of their citations.
    :param candidates: all that were scored, those of the answer among them.
    :param old_before: as in `citation_of`.
    """
    numbers = {one.candidate.place: n for n, one in enumerate(cited, start=1)}
    found: dict[tuple[str, frozenset[str]], Disagreement] = {}
    for pair in _contradictions(question, cited, candidates):
        first, second = (
            citation_of(each, numbers.get(each.candidate.place, 0), old_before)
            for each in (pair.one, pair.other)
        )
        told = _newest_first(
            pair.apart.about,
            (first, pair.texts[0], pair.apart.spans[0]),
            (second, pair.texts[1], pair.apart.spans[1]),
        )
        found.setdefault((told.about, frozenset(told.says)), told)
    return tuple(found.values())[:MOST]


def prefer_newest(
    question: str, said: Sequence[Scored], candidates: Sequence[Scored]
) -> list[Scored]:
    """The sentences of an answer, with the newer note's where one contradicts an older note's.

    A sentence of a note without a date stays, and so does one that contradicts it.
    """
    newer: dict[tuple[str, int], Scored] = {}
    for pair in _contradictions(question, said, candidates):
        older, younger = sorted((pair.one, pair.other), key=_date)
        place = older.candidate.place
        if _date(older) and _date(newer.get(place, older)) < _date(younger):
            newer[place] = younger
    preferred = [newer.get(one.candidate.place, one) for one in said]
    return list({one.candidate.place: one for one in preferred}.values())


def _date(one: Scored) -> str:
    return one.candidate.hit.passage.note_date


@dataclass(frozen=True, slots=True)
class _Contradiction:
    """Two sentences of different notes, the first one cited, their texts, and their difference."""

    one: Scored
    other: Scored
    texts: tuple[str, str]
    apart: Difference


def _contradictions(
    question: str, cited: Sequence[Scored], candidates: Sequence[Scored]
) -> Iterator[_Contradiction]:
    asked = ask(question)
    places = {one.candidate.place for one in cited}
    stated = [(one, _state(one, asked)) for one in _compared(cited, candidates)]
    for i, (one, said) in enumerate(stated):
        for other, said_too in stated[i + 1 :] if one.candidate.place in places else ():
            if one.candidate.hit.passage.path != other.candidate.hit.passage.path:
                apart = difference(asked, said, said_too)
                if apart is not None:
                    yield _Contradiction(one, other, (said.text, said_too.text), apart)


def _compared(cited: Sequence[Scored], candidates: Sequence[Scored]) -> list[Scored]:
    """What is compared: what is cited, then what is near, best first."""
    places = {one.candidate.place for one in cited}
    near = [one for one in candidates if one.candidate.place not in places and _is_close(one)]
    return [
        one
        for one in (*cited, *sorted(near, key=lambda one: -one.score))
        if one.candidate.unit.kind in _COMPARED and len(one.candidate.text) <= _MAX_CHARS
    ]


def _is_close(one: Scored) -> bool:
    """Whether a sentence is close to the question, whatever else was found; scores are relative.

    Its words tell where the embedder could not read the question, and where it has all of them.
    """
    coverage = one.signals["coverage"]
    closeness = (one.signals["cosine"] + one.signals["maxsim"]) / 2 or coverage
    return closeness >= NEAR or coverage >= _ALL


def _state(one: Scored, asked: Asked) -> Statement:
    passage = one.candidate.hit.passage
    return state(one.candidate.text, (passage.title, *passage.heading), asked)


def _newest_first(about: str, one: _Said, other: _Said) -> Disagreement:
    """The disagreement with the newer note first; one without a date counts as the oldest."""
    if one[0].note_date < other[0].note_date:
        one, other = other, one
    (first, text, span), (second, text_too, span_too) = one, other
    return Disagreement(
        about,
        (first, second),
        (text, text_too),
        (span, span_too),
        (_in_note(*one), _in_note(*other)),
    )


def _in_note(citation: Citation, text: str, span: Span) -> Span | None:
    """The characters of the note that say what some characters of the sentence say."""
    place = counterpart(text, span, citation.quote)
    start = citation.chars[0]
    return place and (start + place[0], start + place[1])
