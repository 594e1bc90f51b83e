"""What an index says is held against the notes before any of it is quoted."""

import hashlib
from dataclasses import replace
from types import SimpleNamespace

import pytest
from support import write_notes

from ragqa.api import Index
from ragqa.api.opened import OpenedNotes
from ragqa.config import load_settings
from ragqa.index.source import Embedders, Source
from ragqa.notes import read_note
from ragqa.passages import Chunking
from ragqa.passages.split import split_note
from ragqa.types import Corpus, Hit, Kind, Passage, Unit

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


def current(folder, *passages, max_note_bytes=1000):
    """The notes of a folder, whose index has these passages of each."""
    snapshot = SimpleNamespace(passages=lambda **_: passages)
    embedders = Embedders("hashed:64")
    source = Source(Corpus.of(folder), folder, embedders, Chunking(), max_note_bytes)
    return OpenedNotes(source, snapshot)


def split_as_indexed(note):
    return split_note(note, chunking=Chunking(), window=256, count_tokens=lambda _: [9] * len(_))


def kept(folder, **changed):
    (folder / "cats.md").write_text(TEXT)
    hit = Hit(replace(PASSAGE, **changed), score=1.0, dense=0.5, terms=1.0)
    hits, warnings = current(folder).standing([hit])
    return bool(hits), warnings


@pytest.mark.parametrize(
    "changed",
    [
        {"start": 9, "end": 31},
        {"start": 8 - len(TEXT), "end": 30 - len(TEXT)},
        {"text": "Cats sleep.\nCats bark."},
        {"start": 8, "end": 8, "text": "", "units": ()},
        {"lines": (3, 5)},
        {"units": (Unit(Kind.PARAGRAPH, 0, 19),)},
        {"units": (Unit(Kind.PARAGRAPH, 20, 31),)},
        {"units": (Unit(Kind.PARAGRAPH, 20, 10),)},
    ],
)
def test_a_passage_that_a_forged_index_has_elsewhere_is_left_out_with_a_warning(tmp_path, changed):
    assert kept(tmp_path) == (True, [])
    is_kept, warnings = kept(tmp_path, **changed)
    assert not is_kept
    (warning,) = warnings
    assert "cats.md" in warning
    assert warning.endswith("run ragqa index --rebuild")


def test_a_path_that_a_forged_index_has_and_no_file_can_have_is_a_warning(tmp_path):
    is_kept, warnings = kept(tmp_path, path="cats\0.md")
    assert not is_kept
    assert "cats\0.md is left out" in warnings[0]


TITLE = replace(
    PASSAGE,
    id=2,
    start=0,
    end=6,
    lines=(1, 1),
    text="# Cats",
    units=(Unit(Kind.HEADING, 0, 6),),
)


def opened(notes, passage):
    return notes.layouts([passage])[passage.id]


def quotes(folder, *passages, max_note_bytes=1000):
    """What the layout of the note of a passage can quote, where the index has these of it."""
    layout = opened(current(folder, *passages, max_note_bytes=max_note_bytes), PASSAGE)
    assert layout.path == "cats.md"
    assert layout.quote((0, len(layout.pieces) - 1)).endswith("Cats sleep.\nCats hunt.")
    return [layout.quote((i, i)) for i in range(len(layout.pieces))]


OWN = ["Cats sleep.", "Cats hunt."]


def test_a_note_is_laid_out_whole_where_it_stands_as_the_index_has_it(tmp_path):
    (tmp_path / "cats.md").write_text(TEXT)
    assert quotes(tmp_path, PASSAGE, TITLE) == ["# Cats", *OWN]


@pytest.mark.parametrize("text", [TEXT + "Cats purr.\n", TEXT.replace("# Cats", "# Dogs"), None])
def test_of_a_note_that_is_changed_or_gone_meanwhile_there_is_the_passage(tmp_path, text):
    if text is not None:
        (tmp_path / "cats.md").write_text(text)
    assert quotes(tmp_path, PASSAGE, TITLE) == OWN


FORGED = [{"text": "# Dogs"}, {"start": -1}, {"lines": (1, 2)}]
FORGED += [{"units": (Unit(Kind.HEADING, 0, 9),)}]


def test_of_a_note_that_is_too_large_or_not_as_the_index_has_it_there_is_the_passage(tmp_path):
    (tmp_path / "cats.md").write_text(TEXT)
    for changed in FORGED:
        assert quotes(tmp_path, replace(TITLE, **changed), PASSAGE) == OWN
    assert quotes(tmp_path, PASSAGE, TITLE, max_note_bytes=5) == OWN
    assert quotes(tmp_path) == OWN


CHANGED = "# Cats\n\nCats sleep.\n\n## Owners\n\nMira has two cats.\n"


def test_of_a_note_that_was_changed_elsewhere_the_passages_are_those_of_now(tmp_path):
    (tmp_path / "cats.md").write_text(CHANGED)
    read = read_note(Corpus.of(tmp_path), "cats.md", max_note_bytes=1000)
    hits = [Hit(each, 1.0, 0.5, 1.0) for each in split_as_indexed(read)]
    (tmp_path / "cats.md").write_text(CHANGED.replace("sleep", "hunt").replace("two", "2") + "x")
    assert current(tmp_path).standing(hits)[0] == []
    now = CHANGED.replace("sleep.", "sleep.\n\nThey purr.").replace("cats.", "cats. Or three.")
    (tmp_path / "cats.md").write_text(now)
    notes = current(tmp_path, *(hit.passage for hit in hits))
    kept, warnings = notes.standing(hits)
    assert [hit.passage.text for hit in kept] == [
        "# Cats\n\nCats sleep.\n\nThey purr.", "## Owners\n\nMira has two cats. Or three.",
    ]  # fmt: skip
    assert all(hit.passage.stands_in(now) for hit in kept)
    assert warnings == []
    assert opened(notes, kept[0].passage).text == now
    (tmp_path / "cats.md").write_text(CHANGED.replace("sleep", "hunt"))
    kept, (warning,) = current(tmp_path, *(hit.passage for hit in hits)).standing(hits)
    assert [hit.passage.heading[-1] for hit in kept] == ["Owners"]
    assert warning.startswith("cats.md is partly left out, since the index no longer matches it")


def test_what_a_passage_embeds_and_what_is_embedded_there_is_opened_beforehand(tmp_path):
    notes = {
        "boiler.md": "# Boiler\n\nHow to start the boiler:\n\n![[steps#Start]]\n",
        "steps.md": "# Steps\n\n## Stop\n\nOff.\n\n## Start\n\nOpen the valve.\n\n![[gas]]\n",
        "gas.md": "# Gas\n\nThe tap is red.\n\n![[boiler]]\n",
    }
    folder = write_notes(tmp_path / "notes", notes)
    settings = {"corpus": str(folder), "index": str(tmp_path / "index"), "embedder": "hashed:64"}
    with Index(load_settings(settings)) as index:
        index.refresh()
        found = index.find("boiler", refresh=False)
        embeds = index.evidence(found).embeds
    shown = {link: (path, note.text[slice(*span)]) for (path, link), (note, span) in embeds.items()}
    assert shown["steps#Start"][0] == "boiler.md"
    assert "Open the valve." in shown["steps#Start"][1]
    assert "Off." not in shown["steps#Start"][1]
    assert shown["gas"] == ("steps.md", notes["gas.md"])
    assert shown["boiler"] == ("gas.md", notes["boiler.md"])
