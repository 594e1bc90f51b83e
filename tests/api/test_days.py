"""Questions about a day are answered from the daily note of that day."""

from datetime import date

import pytest
from support import write_notes

from ragqa.api import Index
from ragqa.config import load_settings
from ragqa.types import Filters

NOTES = {
    "Days/2026-05-18.md": "---\nmood: 4\n---\nDentist at eight, a small filling.\n",
    "Days/2026-05-19.md": "---\nmood: 2\n---\nRehearsed with the altos. Read on the tram.\n",
    "Days/2026-05-12.md": "---\nmood: 5\ntags: [school]\n---\nThe pendulum swung at last.\n",
    "teeth.md": "# Teeth\n\nThe dentist is Dr Reis, in Rua do Almada. Brush twice a day.\n",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("days")
    notes = write_notes(folder / "notes", NOTES)
    (notes / ".obsidian").mkdir()
    (notes / ".obsidian/daily-notes.json").write_text('{"folder": "Days"}')
    loaded = load_settings(
        {"corpus": str(notes), "index": str(folder / "index"), "embedder": "hashed:64"}
    )
    with Index(loaded.settings, loaded.places, today=lambda: date(2026, 5, 20)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "path", "said"),
    [
        ("what did I do yesterday?", "Days/2026-05-19.md", "Rehearsed"),
        ("what happened last Tuesday?", "Days/2026-05-12.md", "pendulum"),
        ("what did I do on 18 May?", "Days/2026-05-18.md", "Dentist"),
        ("what was my mood on 12 May?", "Days/2026-05-12.md", "mood: 5"),
    ],
)
def test_the_note_of_the_day_answers(index, question, path, said):
    answer = index.ask(question)
    assert answer.answered
    assert answer.citations[0].path == answer.hits[0].passage.path == path
    assert said in answer.text
    assert answer.question == question
    assert [one.read for one in answer.corrected] == [path[5:15]]


def test_a_day_without_a_note_is_said(index):
    asked = index.ask("what have I done the day before yesterday, and on Sunday?")
    assert asked.warnings == ()
    assert "there is no daily note of 2026-05-17" in index.ask("who was there on Sunday?").warnings


def test_a_day_whose_note_a_filter_leaves_out_is_not_said_to_have_none(index):
    asked = index.ask("what happened last Tuesday?", filters=Filters(paths=("teeth.md",)))
    assert not [warning for warning in asked.warnings if "daily note" in warning]


def test_another_note_can_still_answer_a_question_that_names_a_day(index):
    answer = index.ask("who was the dentist that I saw on 18 May?")
    assert "teeth.md" in [hit.passage.path for hit in answer.hits]


@pytest.mark.parametrize(
    ("question", "filters"),
    [
        ("what did I do on 2 May?", Filters()),
        ("is Dr Reis there on Tuesday?", Filters()),
        ("what did I do yesterday?", Filters(tags=("school",))),
    ],
)
def test_without_a_note_of_the_day_the_question_stays_as_it_is(index, question, filters):
    answer = index.ask(question, filters=filters)
    assert answer.corrected == ()
    assert answer.looked_for == question
