"""The notes that come with ragqa: readable, linked, and long enough to be worth asking."""

import re
from pathlib import Path

import pytest

from ragqa.notes import read_note, walk_notes
from ragqa.notes.links import NoteNames, place_of
from ragqa.types import Corpus, Note

CORPUS = Path(__file__).parent.parent / "corpus"
LIMIT = 5_000_000


@pytest.fixture(scope="module")
def notes():
    walk = walk_notes(Corpus.of(CORPUS), max_note_bytes=LIMIT)
    assert not walk.skipped
    read = [read_note(Corpus.of(CORPUS), file.path, max_note_bytes=LIMIT) for file in walk.files]
    assert all(isinstance(one, Note) for one in read)
    return read


def test_there_are_at_least_forty_notes_of_250_to_900_words(notes):
    assert len(notes) >= 40
    assert [note.path for note in notes if not 250 <= len(note.text.split()) <= 900] == []
    assert {"foundation-models.md", "llms/claude.md", "rag/pipeline.md"} <= {n.path for n in notes}


def test_every_link_leads_to_a_note_and_every_anchor_to_a_heading(notes):
    by_path, names, broken = {note.path: note for note in notes}, NoteNames.of(notes), []
    for note in notes:
        broken += [(note.path, link) for link in note.links if not names.path_of(link, note.path)]
        body = re.sub(r"```.*?```|`[^`\n]*`", "", note.text, flags=re.DOTALL)
        for link, anchor in re.findall(r"(?:\[\[|\]\()([^\]|)#:]+)#([^\]|)]+)", body):
            found = by_path[names.path_of(link, note.path)]
            if place_of(found.text, found.blocks, anchor) is None:
                broken.append((note.path, link, anchor))
    assert broken == []


def test_every_markdown_note_has_title_tags_aliases_date_links_and_sources(notes):
    written = [note for note in notes if note.path.endswith(".md")]
    assert 0 < len(written) < len(notes), "some are in plain text"
    incomplete = [
        note.path
        for note in written
        if not (note.title and note.tags and note.aliases and note.date and not note.warnings)
        or len(note.links) < 3
        or "\n## Sources\n" not in note.text
    ]
    assert incomplete == []
