"""What is said of a passage that begins within an item, a row or a block of code."""

import pytest
from excerpting import passages_of

from ragqa.answering.sentences import context_of

LONG = "This sentence says a little more of it than the last one. " * 30
CODE = "call(argument) now\n" * 60


@pytest.mark.parametrize(
    ("text", "context"),
    [
        (f"- Storks\n  - {LONG}\n", "Storks\n\u2026"),
        (f"- {LONG}\n", "\u2026"),
        (f"| A | B |\n|---|---|\n| x | {LONG} |\n", "B\n\u2026"),
        (f"```\n{CODE}```\n", "\u2026"),
        (LONG, ""),
    ],
)
def test_a_passage_says_if_it_begins_within_an_item_a_row_or_code(text, context):
    first, *others = passages_of(text, window=70, target=40)
    assert context_of(first) == ""
    assert context_of(others[-1]) == context
