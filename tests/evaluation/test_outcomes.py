from itertools import product

import pytest

from ragqa.evaluation.excerpts import Score
from ragqa.evaluation.outcomes import why_missed, why_not_good
from ragqa.evaluation.tasks import Expected, Task
from ragqa.stages import BEHIND_RANKING, EXCERPT_STAGES, STAGES
from ragqa.types import Hit, Passage

PLACE = Expected("bakery.md", (3, 3), "It opens at seven.", "part 1")


def task(*units, unretrievable=(), by_document=False):
    return Task(
        id="a",
        question="When does the bakery open?",
        kind="fact",
        answerable=True,
        relevant=dict.fromkeys(units or ("part 1",), 1),
        units_of=lambda id_: [str(id_)],
        expect=lambda: [PLACE],
        by_document=by_document,
        unretrievable=frozenset(unretrievable),
    )


def ranks(hybrid, dense, terms):
    return {"hybrid": hybrid, "dense": dense, "terms": terms}


def stage(asked, ranked, answer=None):
    missed = why_missed(asked, ranked, answer, [], [])
    return missed and missed.stage


def hit(n, score=0.5):
    passage = Passage(
        id=n,
        embedding_key=n,
        path=f"note-{n}.md",
        title="Note",
        start=0,
        end=4,
        lines=(n, n + 1),
        heading=("Note", "Part"),
        text=f"text {n}",
        units=(),
        note_sha256="0" * 64,
    )
    return Hit(passage, score, None, None)


ONE, LOST, HALF_LOST = task(), task(unretrievable=["part 1"]), task("part 1", "part 2")
CHUNKED = task("part 1", "part 2", unretrievable=["part 1"])
DOCUMENTS = task("a", "b", by_document=True)
FAR = Task("a", "?", "", answerable=False, relevant={}, units_of=lambda id_: [str(id_)])


@pytest.mark.parametrize(
    ("asked", "hybrid", "dense", "terms", "answer", "lost_by"),
    [
        # Among the first five, or not asked for: nothing is missed.
        (ONE, [1], [None], [None], None, None),
        (ONE, [5], [None], [None], None, None),
        (FAR, [], [], [], None, None),
        # Too late: lost by the leg that ranks it worse, or by putting both together.
        (ONE, [6], [5], [40], None, "fusion"),
        (ONE, [None], [40], [1], None, "fusion"),
        (ONE, [6], [3], [3], None, "fusion"),
        (ONE, [6], [9], [6], None, "dense"),
        (ONE, [6], [None], [6], None, "dense"),
        (ONE, [6], [6], [9], None, "terms"),
        (ONE, [6], [6], [None], None, "terms"),
        (ONE, [6], [7], [7], None, "dense and terms"),
        (ONE, [None], [None], [None], None, "dense and terms"),
        # No passage holds it; that is not blamed where a part that is held was lost, too.
        (LOST, [None], [None], [None], None, "chunking"),
        (CHUNKED, [None, 8], [None, 8], [None, 9], None, "terms"),
        # One part of two is enough to miss a question, one document of two to answer it.
        (HALF_LOST, [1, 7], [1, 20], [1, 6], None, "dense"),
        (DOCUMENTS, [2, None], [None, None], [2, None], None, None),
        (DOCUMENTS, [None, None], [None, None], [9, None], None, "dense"),
        # What is said counts where the place was found.
        (ONE, [1], [1], [1], (0, 0, 0), "composer"),
        (ONE, [1], [1], [1], (0, 0, 0.5), "composer"),
        (ONE, [1], [1], [1], (0, 0, 1), None),
        (ONE, [9], [None], [9], (0, 0, 0), "dense"),
        (ONE, [9], [9], [None], (1, 1, 1), "terms"),
    ],
)
def test_a_question_was_lost_by_the_stage_that_lost_its_place_or_its_answer(
    asked, hybrid, dense, terms, answer, lost_by
):
    assert stage(asked, ranks(hybrid, dense, terms), answer) == lost_by


def test_every_stage_that_can_lose_a_question_is_described_and_no_other():
    found = {
        stage(asked, ranks(*([rank] for rank in ranked)), answer)
        for asked in (task(), task(unretrievable=["part 1"]))
        for ranked in product((1, 6, 7, None), repeat=3)
        for answer in (None, (0, 0, 0), (1, 1, 1))
    }
    assert found - {None} == set(STAGES)
    assert all(STAGES.values())


def test_what_was_expected_found_and_said_is_told():
    hits = [hit(n, score=0.123456) for n in (1, 2, 3, 4)]
    missed = why_missed(task(), ranks([9], [9], [9]), None, hits, ["One.", "Two."])
    assert missed.expected == (PLACE,)
    assert missed.said == ("One.", "Two.")
    assert [found.path for found in missed.found] == ["note-1.md", "note-2.md", "note-3.md"]
    first = missed.found[0]
    assert (first.lines, first.heading, first.text) == ((1, 2), ("Note", "Part"), "text 1")
    assert first.score == 0.1235


def not_good(ranked, score, *, answered=True, unretrievable=()):
    missed = why_not_good(
        task(unretrievable=unretrievable), ranked, score, [hit(1)], answered=answered
    )
    return missed and missed.stage


FIRST, LATE = ranks([1], [1], [1]), ranks([9], [None], [9])
GOOD, NOISY = Score(0.9, 0.2, good=True), Score(0.9, 0.6, good=False)
NEVER, PARTLY = Score(0.0, None, good=False), Score(0.4, 0.0, good=False)


def test_a_good_answer_is_not_missed_wherever_its_place_came():
    assert not_good(FIRST, GOOD) is None
    assert not_good(LATE, GOOD) is None


@pytest.mark.parametrize(
    ("ranked", "score", "answered", "lost_by"),
    [
        (FIRST, NOISY, True, "noise"),
        (LATE, NOISY, True, "noise"),
        (FIRST, PARTLY, True, "composer"),
        (LATE, PARTLY, True, "dense"),
        (FIRST, NEVER, False, "confidence"),
        (LATE, NEVER, False, "dense"),
    ],
)
def test_what_lost_an_answer_is_told_by_what_is_cited_and_where_its_place_came(
    ranked, score, answered, lost_by
):
    assert not_good(ranked, score, answered=answered) == lost_by


def test_every_stage_that_can_lose_an_excerpt_is_described_and_no_other():
    found = {
        not_good(
            ranks(*([rank] for rank in ranked)),
            score,
            answered=answered,
            unretrievable=unretrievable,
        )
        for unretrievable in ((), ("part 1",))
        for ranked in product((1, 6, 7, None), repeat=3)
        for score in (GOOD, NOISY, NEVER, PARTLY)
        for answered in (True, False)
    }
    assert found - {None} == set(EXCERPT_STAGES)
    assert set(BEHIND_RANKING) < set(EXCERPT_STAGES)


def test_of_an_answer_that_is_not_good_what_was_wanted_and_found_is_told():
    missed = why_not_good(task(), FIRST, PARTLY, [hit(n) for n in (1, 2, 3, 4)], answered=True)
    assert missed.expected == (PLACE,)
    assert [found.path for found in missed.found] == ["note-1.md", "note-2.md", "note-3.md"]
