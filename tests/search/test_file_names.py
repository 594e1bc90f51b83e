"""Notes are found by the words of their files' names."""

import pytest
from support import write_notes

from ragqa.api import Index
from ragqa.config import load_settings

NOTES = {
    "Club Museum 2026-03-18.md": (
        "---\ntitle: Proposal\naliases: [Kunsthaus]\n---\nOpen on Sundays.\n"
    ),
    "harbour/README.md": "---\ntitle: Boats\n---\nTwo of them.\n",
    "garden.md": "# Beds\n\nBeans.\n\n# Trees\n\nA pear.\n",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    notes = str(write_notes(folder / "notes", NOTES))
    given = {"corpus": notes, "index": str(folder / "index"), "embedder": "hashed:64"}
    loaded = load_settings(given)
    with Index(loaded) as opened:
        yield opened


def found_by_terms(index, question):
    return {hit.passage.path for hit in index.search(question).hits if hit.terms}


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("museum", "Club Museum 2026-03-18.md"), ("kunsthaus", "Club Museum 2026-03-18.md"),
        ("harbour", "harbour/README.md"), ("garden", "garden.md"),
    ],
)  # fmt: skip
def test_a_note_is_found_by_words_of_its_file_that_its_title_lacks(index, question, path):
    assert found_by_terms(index, question) == {path}


@pytest.mark.parametrize("question", ["readme", "03"])
def test_a_name_that_says_nothing_and_a_date_are_not_searched_as_names(index, question):
    assert found_by_terms(index, question) == set()


def test_words_of_the_file_count_as_said_by_the_note(index):
    assert not index.ask("when is the museum open, on Sundays?").no_note_has


def test_headings_of_level_one_that_are_no_title_stand_above_their_text(index):
    [found] = (hit.passage for hit in index.search("a pear").hits if hit.terms)
    assert found.title == "garden"
    assert {unit.context for unit in found.units} >= {"Beds", "Trees"}
