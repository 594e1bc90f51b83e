"""The day that a question is about, and where a vault keeps the note of that day."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.corpus import Corpus
from ragqa.notes.daily import day_in, formatted, paths_of_day

WEDNESDAY = date(2026, 5, 20)


@pytest.mark.parametrize(
    ("question", "day", "words"),
    [
        ("what did I do on 3 May?", "2026-05-03", "3 May"),
        ("what did I do on May 3rd, 2025?", "2025-05-03", "May 3rd, 2025"),
        ("what did I do on 3 June?", "2025-06-03", "3 June"),
        ("journal for 9.5.2026", "2026-05-09", "9.5.2026"),
        ("what was on 9.5. and after?", "2026-05-09", "9.5."),
        ("my note of 2026-05-04", "2026-05-04", "2026-05-04"),
        ("what happened on Tuesday 28 April", "2026-04-28", "28 April"),
        ("what did I do yesterday?", "2026-05-19", "yesterday"),
        ("what did I do today?", "2026-05-20", "today"),
        ("What did I do the day before yesterday?", "2026-05-18", "the day before yesterday"),
        ("what happened on Sunday?", "2026-05-17", "Sunday"),
        ("what happened on Wednesday?", "2026-05-13", "Wednesday"),
        ("what happened last Tuesday?", "2026-05-12", "last Tuesday"),
        ("what happened last Friday?", "2026-05-15", "last Friday"),
        ("what happened on the 9.5.?", "2026-05-09", "9.5."),
        ("what happened on Saturday, 9.5.?", "2026-05-09", "9.5."),
        ("what was said on Tuesday about the boiler?", "2026-05-19", "Tuesday"),
        ("on Tuesday, what was said?", "2026-05-19", "Tuesday"),
        ("what did I do Sunday evening?", "2026-05-17", "Sunday"),
        ("what was in Sunday's daily note", "2026-05-17", "Sunday"),
        ("what did the Sunday school do yesterday?", "2026-05-19", "yesterday"),
    ],
)
def test_a_day_is_read_from_figures_and_from_words(question, day, words):
    found, (start, end) = day_in(question, WEDNESDAY)
    assert (found.isoformat(), question[start:end]) == (day, words)


@pytest.mark.parametrize(
    "question",
    [
        "is the library open on Sunday?", "which tariff applies from 1 May 2026?", "what did I do?",
        "what did I do in May?", "what did I do on 31 February?", "what was version 3.14.15?",
        "what happened on 29 February?", "what was fixed in 1.2.?", "what did 1.2. fix?",
        "what did version 1.2. fix?", "what was on 1.2.x?", "what was v1.2. on?",
        "what does my note say about Sunday opening hours?", "what did the Sunday school do?",
        "who went to the last Sunday service?", "what was on Sunday-school days?",
        "what was Sunday's menu?",
    ],
)  # fmt: skip
def test_a_question_about_no_day_that_is_over_names_none(question):
    assert day_in(question, WEDNESDAY) is None


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


@given(st.dates())
def test_the_usual_format_is_the_iso_date(day):
    assert formatted("YYYY-MM-DD", day) == day.isoformat()


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (None, "2026-05-20.md"), ({}, "2026-05-20.md"), ("{", "2026-05-20.md"),
        ('{"folder": "\\ud83d"}', "2026-05-20.md"), ("[]", "2026-05-20.md"),
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


@pytest.mark.parametrize("target", [".obsidian", "a" * 300, "/etc/passwd/below"])
def test_a_link_in_place_of_the_settings_that_leads_nowhere_names_no_note(tmp_path, target):
    (tmp_path / ".obsidian").symlink_to(target)
    assert not list(paths_of_day(Corpus.of(tmp_path), WEDNESDAY))


def write_settings(vault: Path, settings: object) -> None:
    (vault / ".obsidian").mkdir()
    if settings is not None:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        (vault / ".obsidian/daily-notes.json").write_text(text)
