"""The notes that come with ragqa: readable, linked, and long enough to be worth asking."""

import re
from pathlib import Path

import pytest

from ragqa.notes import read_note, walk_notes
from ragqa.types import Corpus, Kind, Note

CORPUS = Path(__file__).parent.parent / "corpus"
LIMIT = 5_000_000


@pytest.fixture(scope="module")
def notes():
    walk = walk_notes(Corpus.of(CORPUS), max_note_bytes=LIMIT)
    assert walk.skipped == ()
    read = [read_note(Corpus.of(CORPUS), file.path, max_note_bytes=LIMIT) for file in walk.files]
    assert all(isinstance(one, Note) for one in read)
    return read


def _words(note):
    return len(note.text.split())


def test_there_are_at_least_forty_notes_of_250_to_900_words(notes):
    assert len(notes) >= 40
    assert [note.path for note in notes if not 250 <= _words(note) <= 900] == []


def test_the_note_of_the_seed_and_those_it_links_to_are_there(notes):
    assert {note.path for note in notes} >= {
        "foundation-models.md",
        "llms/claude.md",
        "llms/model-families.md",
        "landscape/ai-labs.md",
        "fine-tuning/decision-framework.md",
        "prompting/techniques.md",
        "rag/pipeline.md",
    }


def test_every_link_leads_to_a_note_and_every_anchor_to_a_heading(notes):
    by_path = {note.path: note for note in notes}
    broken = []
    for note in notes:
        folder = (CORPUS / note.path).parent
        body = re.sub(r"```.*?```|`[^`\n]*`", "", note.text, flags=re.DOTALL)
        wiki = [(m[1], m[2], True) for m in re.finditer(r"\[\[([^\]|#]+)(?:#([^\]|]+))?", body)]
        plain = [
            (m[1], m[2], False)
            for m in re.finditer(r"\]\((?!https?:)([^)#\s]+)(?:#([^)\s]+))?\)", body)
        ]
        for target, anchor, is_wiki in wiki + plain:
            base = CORPUS if is_wiki else folder
            path = (base / target.strip()).resolve().relative_to(CORPUS.resolve()).as_posix()
            found = by_path.get(path) or by_path.get(f"{path}.md")
            headings = {
                shape
                for block in (found.blocks if found else ())
                if block.kind is Kind.HEADING
                for shape in (block.label, block.label.lower().replace(" ", "-"))
            }
            if found is None or (anchor and anchor not in headings):
                broken.append(f"{note.path}: {target}#{anchor}")
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
