"""Which note a link means, and which place in it."""

import pytest
from cases import cases

from ragqa.notes import parse_note
from ragqa.notes.links import NoteNames, place_of
from ragqa.types import NoteRecord, Stamp

PATHS = ("tea.md", "a/tea.md", "a/b/Tea.md", "c/pot.md", "c/deep/pot.md", "rain.org", "v/lid.md")
PATHS += ("w/other/deep/lid.md",)


def record(path, title="", aliases=()):
    return NoteRecord(path, Stamp(1, 1), "0" * 64, True, title, (), "", tuple(aliases))


NAMES = NoteNames.of([*map(record, PATHS), record("d/kettle.md", "tea", ["pot", "boiler"])])


@pytest.mark.parametrize(("link", "source", "path"), cases("link_names", "link", "source", "path"))
def test_a_link_means_the_nearest_note_of_its_name(link, source, path):
    assert NAMES.path_of(link, source) == path


@pytest.mark.parametrize(
    ("text", "place", "found"), cases("places_in_a_note", "text", "place", "found")
)
def test_a_place_is_a_block_with_an_id_or_a_section_up_to_the_next_heading(text, place, found):
    note = parse_note("shop.md", text)
    span = place_of(text, note.blocks, place)
    assert (span and text[slice(*span)]) == found
