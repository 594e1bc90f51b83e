"""What an index says is held against the notes before any of it is quoted."""

import hashlib
from dataclasses import replace

import pytest

from ragqa.answering import keep_current
from ragqa.types import Hit, Kind, Passage, Unit

TEXT = "# Cats\n\nCats sleep.\nCats hunt.\n"
PASSAGE = Passage(
    id=1,
    embedding_key=1,
    path="cats.md",
    title="Cats",
    start=8,
    end=30,
    lines=(3, 4),
    heading=("Cats",),
    text="Cats sleep.\nCats hunt.",
    units=(Unit(Kind.PARAGRAPH, 8, 19), Unit(Kind.PARAGRAPH, 20, 30)),
    note_sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
)


def kept(folder, **changed):
    (folder / "cats.md").write_text(TEXT)
    hit = Hit(replace(PASSAGE, **changed), score=1.0, dense=0.5, terms=1.0)
    hits, warnings = keep_current(folder, [hit], max_note_bytes=1000)
    return bool(hits), warnings


def test_a_passage_that_stands_in_its_note_is_kept(tmp_path):
    assert kept(tmp_path) == (True, [])


@pytest.mark.parametrize(
    "changed",
    [
        {"start": 9, "end": 31},
        {"start": 8 - len(TEXT), "end": 30 - len(TEXT)},
        {"text": "Cats sleep.\nCats bark."},
        {"start": 8, "end": 8, "text": "", "units": ()},
        {"lines": (3, 5)},
        {"lines": (1, 2)},
        {"units": (Unit(Kind.PARAGRAPH, 0, 19),)},
        {"units": (Unit(Kind.PARAGRAPH, 20, 31),)},
        {"units": (Unit(Kind.PARAGRAPH, 20, 20),)},
        {"units": (Unit(Kind.PARAGRAPH, 20, 10),)},
    ],
)
def test_a_passage_that_a_forged_index_has_elsewhere_is_left_out_with_a_warning(tmp_path, changed):
    is_kept, warnings = kept(tmp_path, **changed)
    assert not is_kept
    (warning,) = warnings
    assert "cats.md" in warning
    assert warning.endswith("run ragqa index --rebuild")


def test_a_path_that_a_forged_index_has_and_no_file_can_have_is_a_warning(tmp_path):
    is_kept, warnings = kept(tmp_path, path="cats\0.md")
    assert not is_kept
    assert "cats\0.md is left out" in warnings[0]
