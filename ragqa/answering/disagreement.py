"""Find notes that disagree on an answer: in a figure, a date or a plain "not".

No model is used, and only English is compared. Sentences of two notes disagree if their words are
about the same thing and they differ in one thing that cannot be true twice. Uncertain cases are not
reported.
"""

from collections.abc import Iterator, Sequence

from ragqa.answering.score import citation_of
from ragqa.answering.sentences import Candidate
from ragqa.answering.short_answer import counterpart
from ragqa.claims.difference import Difference, difference, read_answer, read_asked
from ragqa.languages import ENGLISH
from ragqa.types import Citation, Disagreement, Kind, Span

MIN_CLOSENESS = 0.45
"""The least closeness to the question at which an uncited sentence is compared."""

MAX_SHOWN = 3
"""At most this many disagreements are reported."""

_FULL_COVERAGE = 0.999
_COMPARED_KINDS = (Kind.PARAGRAPH, Kind.ITEM, Kind.ROW)
_MAX_CHARS = 600


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
    for *pair, differing in _contradictions(question, cited, candidates):
        sides = [
            (citation_of(one, numbers.get(one.place, 0), old_before), one.text, span)
            for one, span in zip(pair, differing.spans, strict=True)
        ]
        # The newer note first; one without a date counts as the oldest.
        sides.sort(key=lambda side: side[0].note_date, reverse=True)
        (first, text, span), (second, other_text, other_span) = sides
        disagreement = Disagreement(
            differing.about,
            (first, second),
            (text, other_text),
            (span, other_span),
            (_in_note(*sides[0]), _in_note(*sides[1])),
        )
        found.setdefault((disagreement.about, frozenset(disagreement.says)), disagreement)
    return tuple(found.values())[:MAX_SHOWN]


def _contradictions(
    question: str, cited: Sequence[Candidate], candidates: Sequence[Candidate]
) -> Iterator[tuple[Candidate, Candidate, Difference]]:
    """Sentences of two notes that differ, the first one cited."""
    asked = read_asked(question)
    places = {one.place for one in cited}
    compared = _compared(cited, candidates)
    read = {
        one.place: read_answer(one.text, (one.hit.passage.title, *one.hit.passage.heading))
        for one in compared
    }
    for i, one in enumerate(compared):
        for other in compared[i + 1 :] if one.place in places else ():
            if one.hit.passage.path != other.hit.passage.path:
                found = difference(asked, read[one.place], read[other.place])
                if found is not None:
                    yield one, other, found


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


def _in_note(citation: Citation, text: str, span: Span) -> Span | None:
    """The characters of the note for a span of the sentence; None where they are unclear."""
    place = counterpart(text, span, citation.quote)
    start = citation.chars[0]
    return place and (start + place[0], start + place[1])
