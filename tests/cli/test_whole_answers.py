"""An answer is not left out for its heading, and is shown with what it is a part of."""

import pytest
from support import write_notes

KETTLE = "The kettle number 2 is blue and holds 2 litres."


@pytest.fixture
def answer(quick, tmp_path):
    """Asks a folder with such notes, and gives the JSON."""

    def ask(question, **notes):
        folder = write_notes(tmp_path / "notes", {f"{name}.md": notes[name] for name in notes})
        places = ["--corpus", folder, "--index", tmp_path / "index"]
        return quick("ask", question, "--json", *places).document

    return ask


@pytest.mark.parametrize("heading", ["Sources", "Reference", "Further reading"])
def test_what_stands_under_a_heading_for_references_can_be_quoted(answer, heading):
    said = answer(
        "how much does kettle number 2 hold",
        house=f"# House\n\nThe rooms are small.\n\n## {heading}\n\n{KETTLE}\n",
        garden="# Garden\n\nPeas in March.\n",
    )
    assert [one["quote"] for one in said["citations"]] == [KETTLE]


def test_an_answer_says_how_many_of_the_rows_that_match_it_shows(answer):
    row = "| host{0} | {1} | serves the people of the club in one of a great many ways, as ever |"
    rows = "\n".join(row.format(n, "Ann" if n % 2 else "Bo") for n in range(40))
    said = answer(
        "which hosts does Ann own", hosts=f"# Hosts\n\n| host | owner | use |\n|-|-|-|\n{rows}\n"
    )
    shown = [one["quote"] for one in said["citations"]]
    assert len(shown) > 2
    assert all("| Ann |" in quote for quote in shown)
    assert said["warnings"] == [f"{len(shown)} of 20 rows that match are shown"]


def test_a_list_is_found_by_the_heading_of_its_own_section_within_a_passage(quick, tmp_path):
    write_notes(
        tmp_path / "notes",
        {
            "Club Museum.md": "A list.\n\n# Proposal\n\nA locked box for old and rare items.\n\n"
            "# First items\n\n- Slide rules\n- Blue box\n",
            "garden.md": "# Garden\n\nFirst items to plant are peas.\n",
        },
    )
    places = ("--corpus", tmp_path / "notes", "--index", tmp_path / "index")
    asked = quick("ask", "first items of the museum", "--json", *places).document
    assert "Slide rules" in asked["citations"][0]["quote"]
