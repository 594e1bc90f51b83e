"""Filters by path and by property: what they match, and what they may cost."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.errors import UsageError
from ragqa.index.filters import passing, path_matcher, property_in
from ragqa.types import Filters, NoteRecord, Stamp


@given(st.text("[]!-*?ab", max_size=12), st.text("[]!-ab", min_size=1, max_size=12))
def test_a_glob_matches_itself_and_what_fnmatch_would(glob, path):
    assert path_matcher([glob])(path) == (path == glob or fnmatch.fnmatchcase(path, glob))


@pytest.mark.parametrize(
    "filters",
    [
        {"tags": ("x" * 6_000,), "paths": ("y" * 6_000,)},
        {"tags": ("x",) * 60, "paths": ("y",) * 60},
        {"where": ("done=no",) * 101},
    ],
)
def test_filters_are_bounded_by_number_and_length(filters):
    with pytest.raises(UsageError, match="at most 100 tags, paths and properties with 10,000"):
        Filters(**filters)


NOTE = NoteRecord(
    "note.md", Stamp(0, 0), "", settled=True, title="", tags=(), date="",
    properties=(
        ("Status", "in progress"), ("due date", "2026-06-01"), ("at", "a=b"),
        ("authors", "Ursula Le Guin"), ("authors", "Ted Chiang"),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("where", "passes"),
    [
        (["status=in progress"], True),
        (["STATUS = In  Progress"], True),
        (["due date=2026-06-01"], True),
        (["at=a=b"], True),
        (["authors=ted chiang", "authors=Ursula Le Guin"], True),
        (["authors=ted chiang", "status=done"], False),
        (["status=progress"], False),
        (["none=in progress"], False),
        (["status='; DROP TABLE notes; --"], False),
    ],
)
def test_a_note_passes_that_has_every_property_with_its_value_in_any_case(where, passes):
    assert passing([NOTE], Filters(where=tuple(where))) == [NOTE] * passes


@pytest.mark.parametrize(
    "text",
    [
        *("", "status", "=", "=done", " = done", "status= ", 'status="done"'),
        *("status!=done", "due>=2026", "not a=b", "a=b and c=d", "a=b or due<2026"),
    ],
)
def test_what_is_no_property_with_its_value_is_refused(text):
    with pytest.raises(UsageError, match="is no property with its value"):
        property_in(text)
