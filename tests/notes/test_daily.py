"""The day that a question is about, and where a vault keeps the note of that day."""

import json
from datetime import date
from pathlib import Path

import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st

from ragqa.corpus import Corpus
from ragqa.notes.daily import day_in, formatted, paths_of_day

WEDNESDAY = date(2026, 5, 20)


@pytest.mark.parametrize(("question", "day", "words"), cases("days", "question", "day", "words"))
def test_a_day_that_is_over_is_read_from_figures_and_from_words(question, day, words):
    found = day_in(question, WEDNESDAY)
    if day is None:
        assert found is None
    else:
        assert (found[0].isoformat(), question[slice(*found[1])]) == (day, words)


@given(st.text(max_size=60), st.dates())
def test_any_question_names_a_day_or_none(question, today):
    found = day_in(f"what did I do {question}", today)
    assert found is None or isinstance(found[0], date)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("YYYY-MM-DD", "2026-05-03"), ("DD.MM.YY", "03.05.26"), ("D. MMMM YYYY", "3. May 2026"),
        ("YYYY/MM/YYYY-MM-DD ddd", "2026/05/2026-05-03 Sun"), ("MMM Do, dddd", "May 3rd, Sunday"),
        ("[Daily] YYYYMMDD", "Daily 20260503"), ("[]M-D dd", "5-3 Su"), ("", ""),
    ],
)  # fmt: skip
def test_a_day_is_written_as_moment_writes_it(form, name):
    assert formatted(form, date(2026, 5, 3)) == name


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (None, "2026-05-20.md"), ("{", "2026-05-20.md"), ("[]", "2026-05-20.md"),
        ('{"folder": "\\ud83d"}', "2026-05-20.md"),
        ({"folder": "/Journal/", "format": ""}, "Journal/2026-05-20.md"),
        ({"folder": "A", "format": "YYYY/D"}, "A/2026/20.md"), ({"format": 7}, "7.md"),
    ],
)  # fmt: skip
def test_the_settings_of_a_vault_say_where_a_daily_note_is(tmp_path, settings, path):
    write_settings(tmp_path, settings)
    assert list(paths_of_day(Corpus.of(tmp_path), WEDNESDAY)) == [path]


def test_a_folder_that_is_no_vault_has_no_daily_notes_and_several_vaults_each_their_own(tmp_path):
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders:
        folder.mkdir()
    write_settings(folders[0], {"folder": "Days"})
    write_settings(folders[2], None)
    found = list(paths_of_day(Corpus.of(*folders), WEDNESDAY))
    assert found == ["one/Days/2026-05-20.md", "three/2026-05-20.md"]


def write_settings(vault: Path, settings: object) -> None:
    (vault / ".obsidian").mkdir()
    if settings is not None:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        (vault / ".obsidian/daily-notes.json").write_text(text)
