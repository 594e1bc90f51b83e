"""`ragqa list`: the notes of an index and their tags."""

import re

import pytest
from support import write_notes

NOTES = {
    "cats.md": "---\ntitle: Cats\ntags: [animals, animals/pets]\ndate: 2024-05-01\n---\nCats.\n",
    "garden/roses.md": "---\ntags: [plants]\ndate: 2023-01-01\n---\n\n# Roses\nRoses climb.\n",
    "todo.txt": "Things to do\n\nBuy cat food.\n",
}


@pytest.fixture
def places(tmp_path):
    notes = write_notes(tmp_path / "notes", NOTES)
    return ["--corpus", notes, "--index", tmp_path / "index"]


def test_notes_are_listed_with_date_title_and_tags(quick, places):
    run = quick("list", *places)
    assert run.code == 0
    assert run.out.splitlines() == [
        "cats.md\t2024-05-01\tCats\t#animals #animals/pets",
        "garden/roses.md\t2023-01-01\tRoses\t#plants",
        "todo.txt\t\tThings to do",
    ]


def test_on_a_terminal_the_list_is_in_columns(quick, places, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    shown = re.sub(r"\x1b\[[\d;]*m", "", quick("list", *places).out).splitlines()
    assert shown == [
        "cats.md          2024-05-01  Cats          #animals #animals/pets",
        "garden/roses.md  2023-01-01  Roses         #plants",
        "todo.txt                     Things to do",
    ]


def test_the_document_has_the_same_and_each_filter_holds(quick, places):
    document = quick("list", "--json", *places).document
    assert [note["path"] for note in document["notes"]] == list(NOTES)
    assert document["notes"][0]["tags"] == ["animals", "animals/pets"]
    assert document["notes"][2]["date"] is None
    for options, expected in (
        (["--tag", "animals"], ["cats.md"]),
        (["--path", "garden"], ["garden/roses.md"]),
        (["--since", "2024"], ["cats.md"]),
    ):
        found = quick("list", "--json", *options, *places).document["notes"]
        assert [note["path"] for note in found] == expected
    assert quick("list", "--tag", "plants", "--path", "*.txt", *places).code == 1


def test_tags_are_listed_with_the_number_of_notes_that_the_tag_finds(quick, places):
    assert quick("list", "--tags", *places).out.splitlines() == [
        "1  animals",
        "1  animals/pets",
        "1  plants",
    ]
    document = quick("list", "--tags", "--json", "--path", "garden", *places).document
    assert document["tags"] == [{"tag": "plants", "notes": 1}]


def test_why_points_to_the_list_where_no_note_is_like_the_target(quick, places):
    run = quick("why", "what do cats do?", "--target", "zzzz", *places)
    assert run.code == 2
    assert run.err.splitlines()[-1] == "try: ragqa list"


def test_a_value_that_no_note_has_lists_nothing_and_says_so(quick, places):
    run = quick("list", "--where", "title = Dogs", *places)
    assert run.code == 1
    assert "nothing was found among the notes that match the filters" in run.err
