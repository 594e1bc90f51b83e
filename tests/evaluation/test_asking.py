import pytest

from ragqa.evaluation.asking import _units
from ragqa.evaluation.measures import Task

HELD = {1: ["a"], 2: ["a"], 3: ["b", "c"], 4: ["c", "d"]}


def ranking(*passage_ids, by_document=False):
    asked = Task(
        id="a",
        question="?",
        kind="",
        answerable=True,
        relevant={"a": 1},
        units_of=lambda id_: HELD.get(id_, [str(id_)]),
        by_document=by_document,
    )
    return _units(asked, [(id_, 1 / place) for place, id_ in enumerate(passage_ids, start=1)])


def test_a_document_stands_where_its_best_passage_does_and_takes_one_place():
    assert ranking(1, 9, 2, 3, 1, by_document=True) == ["a", "9", "b", "c"]


def test_a_passage_that_repeats_what_was_found_takes_a_place_too():
    assert ranking(1, 2, 9, 8) == ["a", "again 2", "9", "8"]


def test_a_passage_that_holds_two_takes_two_places_and_what_it_repeats_takes_none():
    assert ranking(3, 4, 9) == ["b", "c", "d", "9"]


@pytest.mark.parametrize("by_document", [True, False])
def test_nothing_found_is_an_empty_ranking(by_document):
    assert ranking(by_document=by_document) == []
