"""Markdown to what a reader sees."""

import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from saying import plain_text

from ragqa.text.shown import TASK_STATES
from ragqa.types import Kind


@pytest.mark.parametrize(
    ("kind", "markdown", "context", "labels", "plain"),
    cases("plain_text", "kind", "markdown", "context", "labels", "plain"),
)
def test_marks_go_and_words_stay(kind, markdown, context, labels, plain):
    found = plain_text(markdown, kind=Kind(kind), context=context or "", labels=labels or [])
    assert found == plain


@given(st.text(max_size=80), st.sampled_from(sorted(Kind)))
def test_any_text_has_a_plain_form_that_adds_no_letters_but_those_of_a_box(text, kind):
    plain = plain_text(text, kind=kind)
    for state in TASK_STATES.values():
        plain = plain.removeprefix(f"({state})")
    assert sum(c.isalnum() for c in plain) <= sum(c.isalnum() for c in text)
