"""Each cell of a table is quoted with the label of its own column, however the table is written."""

from cases import each_of
from excerpting import layout_of

from ragqa.answering.excerpt_blocks import blocks_of, excerpt_text
from ragqa.text.shown import unit_words


@each_of("rows")
def test_a_row_or_a_part_of_one_is_said_with_the_labels_of_its_own_cells(note, begins, shown):
    layout = layout_of(note, window=60, target=40)
    at = note.index(begins)
    unit = layout.pieces[layout.at(at)].unit
    assert unit_words(note[unit.start : unit.end], unit) == shown
    assert excerpt_text(blocks_of(note[unit.start : unit.end], [unit], unit.start)) == shown
