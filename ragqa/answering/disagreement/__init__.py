"""Where two sentences answer one question differently: a figure, a date, a no, an opposite.

No model is asked. Two sentences of different notes disagree where they are about the same, word by
word, and differ in one thing that cannot hold twice. What is not sure is no disagreement.
"""

from collections.abc import Sequence

from ragqa.answering.composing import citation_of
from ragqa.answering.disagreement.comparing import Difference, difference
from ragqa.answering.disagreement.statements import Asked, Statement, ask, state
from ragqa.answering.mentions import Span
from ragqa.answering.scoring import Scored
from ragqa.answering.spans import counterpart
from ragqa.types import Citation, Disagreement, Kind

__all__ = ["Difference", "ask", "difference", "disagreements", "state"]

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
    asked = ask(question)
    numbers = {one.candidate.place: n for n, one in enumerate(cited, start=1)}
    stated = [(one, _state(one, asked)) for one in _compared(cited, candidates)]
    found: dict[tuple[str, frozenset[str]], Disagreement] = {}
    for i, (one, said) in enumerate(stated):
        for other, said_too in stated[i + 1 :] if one.candidate.place in numbers else ():
            if one.candidate.hit.passage.path == other.candidate.hit.passage.path:
                continue
            apart = difference(asked, said, said_too)
            if apart is not None:
                first, second = (
                    citation_of(each, numbers.get(each.candidate.place, 0), old_before)
                    for each in (one, other)
                )
                told = _newest_first(
                    apart.about,
                    (first, said.text, apart.spans[0]),
                    (second, said_too.text, apart.spans[1]),
                )
                found.setdefault((told.about, frozenset(told.says)), told)
    return tuple(found.values())[:MOST]


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
