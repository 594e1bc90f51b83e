"""Filters by path: what a glob matches, and what it may cost."""

import fnmatch
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.errors import UsageError
from ragqa.stores.filters import path_matcher
from ragqa.types import Filters


@given(st.text("[]!-*?ab", max_size=12), st.text("[]!-ab", min_size=1, max_size=12))
def test_a_glob_matches_itself_and_what_fnmatch_would(glob, path):
    assert path_matcher([glob])(path) == (path == glob or fnmatch.fnmatchcase(path, glob))


def lines_run_for(glob):
    """How many lines of `fnmatch` a glob takes."""
    lines = 0

    def count(frame, event, _):
        nonlocal lines
        if frame.f_globals is not vars(fnmatch):
            return None
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        path_matcher([glob])
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("piece", ["[", "[!", "[]", "*a"])
def test_a_glob_of_twice_the_length_takes_at_most_twice_the_steps(piece):
    assert lines_run_for(piece * 400) < 2.5 * lines_run_for(piece * 200)


@pytest.mark.parametrize(
    "filters",
    [
        {"tags": ("x" * 6_000,), "paths": ("y" * 6_000,)},
        {"tags": ("x",) * 60, "paths": ("y",) * 60},
        # Of a longer one the end was left out, and with it what it asked for.
        {"where": "done = no" + " and done = no" * 80},
    ],
)
def test_filters_are_bounded_by_number_and_length(filters):
    with pytest.raises(UsageError, match="at most 100 tags and paths with 10,000 characters"):
        Filters(**filters)
