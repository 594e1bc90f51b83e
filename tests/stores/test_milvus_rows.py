"""Notes, passages and an index's description as rows of Milvus."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores.building import DIMENSION, FRUIT, INFO, entry
from support import trying

from ragqa.errors import IndexUnusable, NeedsRebuild
from ragqa.stores.milvus import snapshot as rows
from ragqa.text.dates import passage_terms
from ragqa.types import NoteRecord, Passage

ANYTHING = st.text(max_size=80) | st.sampled_from(["\udce9", "\0", "'", '"', "a b", "_20_", "ſ"])
VECTOR = np.eye(1, DIMENSION, dtype=np.float32)[0]
CLIENT = SimpleNamespace(
    place="x", uri="x", ready=lambda _: True, pair=lambda build: (f"p{build}", f"n{build}")
)


def packed(content):
    return rows._pack(json.dumps(content).encode(), "x")


def content_of(row):
    return json.loads(rows._unpack(row["data"]))


@trying(200)
@given(ANYTHING, ANYTHING)
def test_a_term_is_spelled_in_signs_of_words_and_as_no_other_term(one, other):
    assert re.fullmatch("[a-z0-9_]*", rows.encode_term(one))
    assert (rows.encode_term(one) == rows.encode_term(other)) == (one == other)


@trying(100)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=3), ANYTHING)
def test_what_is_put_into_a_row_comes_out_of_it(paragraphs, title):
    whole = entry("a/b.md", *paragraphs, title=title, tags=("x/y",), date="2026-01-31")
    for passage in whole.passages:
        row = rows.passage_row(passage, VECTOR)
        assert row["data"].isascii()
        assert rows.read(row["data"], Passage) == passage
        assert len(row["terms"].split()) == row["length"] == len(passage_terms(passage))
    record = whole.record
    assert rows.read(rows.note_row(record)["data"], NoteRecord) == record


@pytest.mark.parametrize("data", ["", "z!!!!", None, *map(packed, ([], {}, "x"))])
@pytest.mark.parametrize("kind", [NoteRecord, Passage])
def test_a_row_that_is_none_of_ours_is_damage(kind, data):
    with pytest.raises(IndexUnusable, match="in Milvus is damaged"):
        rows.read(data, kind)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (Passage, "note_date", "x"),
        *((NoteRecord, "tags", ["\ud800"]), (NoteRecord, "path", "\ud800.md")),
    ],
)
def test_a_row_with_a_name_or_date_that_nothing_has_is_damage(kind, field, value):
    made = {
        Passage: rows.passage_row(FRUIT[0].passages[0], VECTOR),
        NoteRecord: rows.note_row(FRUIT[0].record),
    }
    content = content_of(made[kind])
    content[field] = value
    with pytest.raises(IndexUnusable, match="in Milvus is damaged"):
        rows.read(packed(content), kind)


def test_a_description_comes_back_as_it_was():
    snapshot = rows.MilvusSnapshot(CLIENT, rows.description(INFO, 1, 12.5)["data"])
    assert (snapshot.info, snapshot.build, snapshot._mean_length) == (INFO, 1, 12.5)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda _: content_of(rows.description(INFO, 2, 1.0)), IndexUnusable),
        (lambda _: content_of(rows.description(INFO, 0, 1e300)), IndexUnusable),
        (lambda content: content | {"format": 99}, NeedsRebuild),
        (lambda _: {"format": rows.FORMAT}, IndexUnusable),
        (lambda _: [], IndexUnusable),
    ],
)
def test_a_description_that_was_changed_is_not_believed(change, error):
    content = content_of(rows.description(INFO, 1, 12.5))
    with pytest.raises(error):
        rows.MilvusSnapshot(CLIENT, packed(change(content)))
