"""Patterns that read what others wrote take time that grows with its length, not its square."""

import pytest
from regex_steps import steps

from ragqa.answering import excerpt_runs
from ragqa.notes import daily
from ragqa.notes.formats import pdf_lines
from ragqa.render import results
from ragqa.text import names
from ragqa.text.words import compiled

SEARCHED = [
    (excerpt_runs._SEPARATOR, "  "),
    (compiled(names.NAME_SHAPE), "-."),
    (compiled(daily._PART), "["),
    (pdf_lines.LEADER, "  "),
    (results._WORDS, "  "),
]


@pytest.mark.parametrize(
    ("pattern", "atom"), SEARCHED, ids=lambda given: getattr(given, "pattern", given)[:20]
)
def test_twice_the_text_takes_twice_the_steps(pattern, atom):
    # Behind bounds such as 60 characters.
    shorter, longer = (steps(pattern, atom * (size // len(atom))) for size in (200, 400))
    assert longer < 2.5 * shorter
