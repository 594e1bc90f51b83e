"""Notes and passages as rows of Milvus, and what says which rows count."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores.building import DIMENSION, FRUIT, INFO, entry
from support import trying

from ragqa.errors import IndexUnusable, OtherFormat
from ragqa.stores.milvus.client import bases_of, batches
from ragqa.stores.milvus.connection import is_new_enough
from ragqa.stores.milvus.records import (
    FORMAT,
    KEPT_S,
    Generation,
    read_record,
    record_row,
    retained,
)
from ragqa.stores.milvus.rows import (
    MAX_TEXT_BYTES,
    encode_term,
    encoded_terms,
    note_row,
    passage_row,
    read_note,
    read_passage,
)
from ragqa.text.words import index_terms
from ragqa.types import NoteRecord

ANYTHING = st.text(max_size=80) | st.sampled_from(["\udce9", "\0", "'", '"', "a b", "_20_", "ſ"])
VECTOR = np.eye(1, DIMENSION, dtype=np.float32)[0]
GENERATION = Generation(INFO, attempt=7, base=3, void=((4, 4), (6, 6)), terms=120, written=1e9)


def row_of(passage, tags=()):
    return passage_row(passage, VECTOR, encoded_terms(passage), tags, attempt=1)


@trying(200)
@given(ANYTHING, ANYTHING)
def test_a_term_is_spelled_in_signs_of_words_and_as_no_other_term(one, other):
    assert re.fullmatch("[a-z0-9_]*", encode_term(one))
    assert (encode_term(one) == encode_term(other)) == (one == other)


@trying(100)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=3), ANYTHING)
def test_what_is_put_into_a_row_comes_out_of_it(paragraphs, title):
    whole = entry("a/b.md", *paragraphs, title=title, tags=("x/y",), date="2026-01-31")
    for passage in whole.passages:
        row = row_of(passage)
        assert row["data"].isascii()
        assert read_passage(row["data"]) == passage
        assert len(row["terms"].split()) == row["length"] == len(index_terms(passage.searched_text))
    record = NoteRecord.of(whole.note, settled=True)
    assert read_note(note_row(record, 1)["data"]) == record


def test_a_passage_of_one_long_line_fits_into_a_row():
    rule = "\u2500" * 50_000
    passage = entry("a.md", rule).passages[0]
    row = row_of(passage)
    assert len(row["data"]) < MAX_TEXT_BYTES < len(json.dumps(rule))
    assert read_passage(row["data"]) == passage


def test_what_fits_into_no_row_is_refused_by_its_place():
    noise = np.random.default_rng(0).integers(0x4E00, 0x9FFF, 60_000)
    passage = entry("deep/a.md", "".join(map(chr, noise))).passages[0]
    with pytest.raises(IndexUnusable, match=r"the passage at deep/a\.md, lines 1 to 1, has more"):
        row_of(passage)


@pytest.mark.parametrize(
    "data",
    ["", "[]", "{}", "null", "[1, 2]", "z", "z!!!!", "[" * 10_000, 7, None, '["a"]' * 2],
)
@pytest.mark.parametrize("read", [read_note, read_passage])
def test_a_row_that_is_none_of_ours_is_damage(read, data):
    with pytest.raises(IndexUnusable, match="in Milvus is damaged"):
        read(data)


@pytest.mark.parametrize(
    ("place", "value"), [(2, "\ud800.md"), (11, "xyz"), (11, "2026-13-01"), (13, "xx"), (13, 7)]
)
def test_a_passage_with_a_name_date_or_language_that_nothing_has_is_damage(place, value):
    content = json.loads(row_of(FRUIT[0].passages[0])["data"])
    content[place] = value
    with pytest.raises(IndexUnusable, match="passage in Milvus is damaged"):
        read_passage(json.dumps(content))


@pytest.mark.parametrize(
    ("place", "value"), [(0, "\ud800.md"), (6, ["\ud800"]), (7, "xyz"), (10, "xx"), (10, None)]
)
def test_a_note_with_a_name_date_or_language_that_nothing_has_is_damage(place, value):
    content = json.loads(note_row(NoteRecord.of(FRUIT[0].note, settled=True), 1)["data"])
    content[place] = value
    with pytest.raises(IndexUnusable, match="note in Milvus is damaged"):
        read_note(json.dumps(content))


def test_a_record_comes_back_as_it_was():
    assert read_record(record_row(GENERATION), "x") == GENERATION


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda content: content | {"terms": 1}, IndexUnusable),
        (lambda content: content | {"format": 99}, OtherFormat),
        (lambda _: {"format": FORMAT}, IndexUnusable),
        (lambda _: [], IndexUnusable),
    ],
)
def test_a_record_that_was_changed_is_not_believed(change, error):
    row = record_row(GENERATION)
    row["data"] = json.dumps(change(json.loads(row["data"])))
    with pytest.raises(error):
        read_record(row, "x")


@trying(300)
@given(born=st.integers(1, 10), died=st.integers(1, 10) | st.just(2**62))
def test_rows_count_from_their_birth_to_their_death_unless_these_came_to_nothing(born, died):
    seen = eval(GENERATION.visible, {}, {"born": born, "died": died})  # noqa: S307 - it is ours
    was_born = born <= 7 and born not in (4, 6)
    has_died = died <= 7 and died not in (4, 6)
    assert seen == (was_born and not has_died)


def test_generations_are_kept_for_an_hour_after_the_next_one_came():
    old, middle, new = (
        replace(GENERATION, attempt=attempt, written=1000.0 * attempt) for attempt in (1, 2, 3)
    )
    every = [old, middle, new]
    assert retained(every, 2999.0 + KEPT_S) == [middle, new]
    assert retained(every, 3001.0 + KEPT_S) == [new]
    assert retained(every, 1e12) == [new]
    assert retained([], 0.0) == []


def test_only_the_collections_of_an_index_are_its_own():
    there = ["team", "team_p3", "team_n3", "team_p12", "teams_p5", "team_px", "other_p1", "team_q9"]
    assert bases_of("team", there) == {3, 12}


@pytest.mark.parametrize(
    ("version", "fine"),
    [
        ("2.6.2", True),
        ("v2.6.2", True),
        ("2.6.1", False),
        ("v2.6.0-rc1", False),
        ("2.5.10", False),
        ("v2.3.5", False),
        ("3.0.0", True),
        ("milvus_lite-3.2.2", True),
        ("Zilliz Cloud Vector Database(Compatible with Milvus 2.6)", True),
        ("Zilliz Cloud Vector Database(Compatible with Milvus 2.5)", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_a_server_must_be_able_to_change_a_field_alone(version, fine):
    assert is_new_enough(version) is fine


def test_rows_are_sent_some_at_a_time_by_number_and_by_size():
    small = [{"pk": place} for place in range(2_500)]
    assert [len(batch) for batch in batches(small)] == [1000, 1000, 500]
    large = [{"data": "x" * 2**20}] * 9
    assert [len(batch) for batch in batches(large)] == [4, 4, 1]
    assert list(batches([])) == []
