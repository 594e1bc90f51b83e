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


@pytest.mark.parametrize("rank", [1, 5])
def test_nothing_is_missed_where_the_place_is_among_the_first_five(rank):
    assert stage(task(), ranks([rank], [None], [None])) is None


def test_nothing_is_missed_of_a_question_that_nothing_answers():
    asked = Task("a", "?", "", answerable=False, relevant={}, units_of=lambda id_: [str(id_)])
    assert stage(asked, ranks([], [], [])) is None


@pytest.mark.parametrize(
    ("hybrid", "dense", "terms", "lost_by"),
    [
        (6, 5, 40, "fusion"),
        (None, 40, 1, "fusion"),
        (6, 3, 3, "fusion"),
        (6, 9, 6, "dense"),
        (6, None, 6, "dense"),
        (6, 6, 9, "terms"),
        (6, 6, None, "terms"),
        (6, 7, 7, "dense and terms"),
        (None, None, None, "dense and terms"),
    ],
)
def test_a_place_that_comes_too_late_was_lost_by_the_leg_that_ranks_it_worse(
    hybrid, dense, terms, lost_by
):
    assert stage(task(), ranks([hybrid], [dense], [terms])) == lost_by


def test_a_place_that_no_passage_holds_was_lost_by_chunking():
    asked = task(unretrievable=["part 1"])
    assert stage(asked, ranks([None], [None], [None])) == "chunking"


def test_chunking_is_not_blamed_where_a_part_that_is_held_was_lost_too():
    asked = task("part 1", "part 2", unretrievable=["part 1"])
    assert stage(asked, ranks([None, 8], [None, 8], [None, 9])) == "terms"


def test_a_question_is_missed_where_one_of_its_parts_is():
    asked = task("part 1", "part 2")
    assert stage(asked, ranks([1, 7], [1, 20], [1, 6])) == "dense"


def test_a_part_that_was_seen_says_nothing_of_one_that_was_lost():
    asked = task("part 1", "part 2")
    assert stage(asked, ranks([1, 9], [1, 9], [1, 12])) == "terms"


def test_one_of_the_documents_is_enough_where_documents_are_ranked():
    asked = task("a", "b", by_document=True)
    assert stage(asked, ranks([2, None], [None, None], [2, None])) is None
    assert stage(asked, ranks([None, None], [None, None], [9, None])) == "dense"


@pytest.mark.parametrize("answer", [(0, 0, 0), (0, 0, 0.5)])
def test_an_answer_that_is_not_said_was_lost_by_the_composer(answer):
    assert stage(task(), ranks([1], [1], [1]), answer) == "composer"


def test_an_answer_in_the_third_sentence_is_not_missed():
    assert stage(task(), ranks([1], [1], [1]), (0, 0, 1)) is None


def test_a_place_that_was_not_found_is_blamed_before_the_composer():
    assert stage(task(), ranks([9], [None], [9]), (0, 0, 0)) == "dense"


def test_a_question_whose_answer_is_said_is_missed_where_its_place_was_not_found():
    assert stage(task(), ranks([9], [9], [None]), (1, 1, 1)) == "terms"


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
