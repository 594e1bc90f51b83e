import pytest

from ragqa.evaluation.asking import _units
from ragqa.evaluation.measures import measure_ranking
from ragqa.evaluation.questions import Expected, Gold, GoldQuestion, Task, tasks_of
from ragqa.types import Passage

BAKERY = "# Bakery\n\nIt opens at seven.\nIt sells rye bread.\n\nClosed on Sundays.\n"
RIVER = "The river is cold.\n\nIt opens into the sea.\n"
NOTES = {"bakery.md": BAKERY, "a/river.md": RIVER}

PARAGRAPHS = {
    1: ("bakery.md", "# Bakery"),
    2: ("bakery.md", "It opens at seven.\nIt sells rye bread."),
    3: ("bakery.md", "Closed on Sundays."),
    4: ("a/river.md", "The river is cold."),
    5: ("a/river.md", "It opens into the sea."),
}
OVERLAPPING = PARAGRAPHS | {6: ("bakery.md", "It sells rye bread.\n\nClosed on Sundays.")}

OPENS = Gold("bakery.md", "It opens at seven.")
SELLS = Gold("bakery.md", "It sells rye bread.")
COLD = Gold("a/river.md", "The river is cold.")


def passage(id_, path, text):
    start = NOTES[path].index(text)
    span = start, start + len(text)
    return Passage(id_, id_, path, "Note", *span, (1, 1), (), text, (), "0")


def splitter(passages):
    return lambda wanted: [
        passage(id_, path, text) for id_, (path, text) in passages.items() if path == wanted
    ]


def asked(*gold, answer=()):
    return GoldQuestion("a-001", "What of it?", "fact", gold, tuple(answer))


def made(question, passages=PARAGRAPHS):
    [task], warnings = tasks_of([question], NOTES.get, splitter(passages))
    return task, warnings


def part(number, gold):
    return Gold(gold.note, gold.quote, number)


def measured(task, *passage_ids):
    return measure_ranking(task.relevant, _units(task, passage_ids))


def recall_at_5(task, *passage_ids):
    return measured(task, *passage_ids)["recall@5"]


def test_any_of_the_places_of_a_part_finds_it():
    task, _ = made(asked(OPENS, COLD))
    assert [recall_at_5(task, id_) for id_ in (2, 4, 3)] == [1, 1, 0]
    assert [place.path for place in task.expected] == ["bakery.md", "a/river.md"]


def test_parts_that_the_very_same_passages_hold_are_one():
    task, _ = made(asked(part(1, OPENS), part(2, SELLS), part(3, COLD), answer=["x", "y", "z"]))
    assert dict(task.relevant) == {"part 1 and 2": 1, "part 3": 1}
    assert task.units_of(2) == ["part 1 and 2"]
    assert recall_at_5(task, 2) == 0.5
    assert [place.part for place in task.expected] == ["part 1 and 2", "part 1 and 2", "part 3"]
    assert list(task.answers) == [["x"], ["y"], ["z"]]


def test_a_passage_that_holds_two_parts_gives_both_in_order():
    task, _ = made(asked(part(2, SELLS), part(1, OPENS)), OVERLAPPING)
    assert dict(task.relevant) == {"part 1": 1, "part 2": 1}
    assert task.units_of(2) == ["part 1", "part 2"]
    assert task.units_of(6) == ["part 2"]
    assert [recall_at_5(task, *ids) for ids in ([2], [6], [6, 2])] == [1, 0.5, 1]


def test_a_part_that_no_passage_holds_whole_is_unheld():
    across = Gold("bakery.md", "rye bread.\n\nClosed", 2)
    task, warnings = made(asked(OPENS, across))
    assert task.unretrievable == {"part 2"}
    assert recall_at_5(task, 1, 2, 3, 4, 5) == 0.5
    assert warnings == []
    assert task.expected[1] == Expected("bakery.md", (4, 6), across.quote, "part 2")


@pytest.mark.parametrize(
    ("gone", "why"),
    [
        (Gold("gone.md", "It opens at seven."), "there is no note gone.md"),
        (
            Gold("bakery.md", "It opens at six."),
            "its quote occurs 0 times in bakery.md: 'It opens at six.'",
        ),
        (Gold("bakery.md", "It "), "its quote occurs 2 times in bakery.md: 'It '"),
    ],
)
def test_a_quote_that_no_longer_stands_is_told_and_counts_as_not_found(gone, why):
    task, warnings = made(asked(part(1, gone), part(2, COLD)))
    assert warnings == [f"question a-001: {why}"]
    assert task.answerable
    assert dict(task.relevant) == {"part 1": 1, "part 2": 1}
    assert task.unretrievable == {"part 1"}
    assert recall_at_5(task, 1, 2, 3, 4, 5) == 0.5


def wanted(*gold):
    return GoldQuestion("a-001", "What of it?", "fact", gold, (), excerpts=True)


def found_by(question, passages=PARAGRAPHS):
    task, _ = made(question, passages)
    return [id_ for id_ in passages if task.units_of(id_) != [str(id_)]]


@pytest.mark.parametrize(
    ("quote", "passages"),
    [
        (BAKERY.strip(), [1, 2, 3]),
        ("It sells rye bread.\n\nClosed on Sundays.", [2, 3]),
        ("bread.\n\nClosed on Sundays.", [3]),
    ],
)
def test_a_passage_finds_an_excerpt_that_is_longer_or_of_which_it_has_half(quote, passages):
    gold = Gold("bakery.md", quote)
    assert found_by(wanted(gold)) == passages
    assert found_by(asked(gold)) == []


HELD = {1: ["a"], 2: ["a"], 3: ["b", "c"], 4: ["c", "d"]}


@pytest.mark.parametrize(
    ("passages", "units"),
    [
        # A passage that repeats what was found takes a place, too.
        ([1, 2, 9, 8], ["a", "again 2", "9", "8"]),
        # One that holds two takes two places, and what it repeats takes none.
        ([3, 4, 9], ["b", "c", "d", "9"]),
        ([], []),
    ],
)
def test_a_ranking_of_passages_is_one_of_what_they_hold(passages, units):
    task = Task("a", "?", "", True, {}, lambda id_: HELD.get(id_, [str(id_)]))
    assert _units(task, passages) == units
