"""The labels of a table's columns count its cells rightly, in every format."""

import pytest

from ragqa.notes import format_of, parse_note
from ragqa.text.markdown import row_pairs
from ragqa.text.seen import Seen
from ragqa.types import Kind, Stamp


@pytest.mark.parametrize(
    ("path", "text", "shown"),
    [
        ("a.md", "| a \\| b | c |\n|--|--|\n| 1 | 2 |\n", "a | b: 1; c: 2"),
        ("a.md", "| | b | |\n|--|--|--|\n| 1 | 2 | 3 |\n", "1; b: 2; 3"),
        ("a.txt", "|| b \\| c |\n|--|--|\n| 1 | 2 |\n", "1; b | c: 2"),
        ("a.org", "|| b | c |\n|--+--+--|\n| 1 | 2 | 3 |\n", "1; b: 2; c: 3"),
        (
            "a.html",
            "<table><tr><th>a | b</th><th>c</th></tr><tr><td>1</td><td>2</td></tr></table>",
            "a | b: 1; c: 2",
        ),
    ],
)
def test_a_bar_in_a_header_cell_and_an_empty_one_shift_no_label(path, text, shown):
    note = parse_note(path, format_of(path).convert(text.encode()), "0" * 64, Stamp(0, 0))
    (row,) = (block for block in note.blocks if block.kind is Kind.ROW)
    assert row_pairs(Seen.of(note.text[row.start : row.end]), row.labels).text == shown
