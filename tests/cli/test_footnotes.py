"""A sentence is answered with its footnotes, each cited where it stands."""

import pytest
from support import write_notes

NOTES = {
    "compost.md": (
        "# Compost\n\n## Heat\n\nThe heap reached 58 degrees in the second week.[^temp]\n\n"
        "## Leaves\n\nWalnut leaves stay out of the heap.[^nut][^bird]\n\n## Notes\n\n"
        "[^temp]: Measured with a meat thermometer. It was 30 cm deep.\n"
        "[^nut]: Juglone stops seeds from sprouting.\n\n"
        "`[^code]: no` and [^lost] lead nowhere.\n"
    ),
    "pond.md": "# Pond\n\nThe pond is two metres deep and has seven carp.\n",
}


@pytest.fixture
def ask(quick, tmp_path):
    notes = write_notes(tmp_path / "notes", NOTES)

    def asked(question):
        places = ["--corpus", notes, "--index", tmp_path / "index"]
        document = quick("ask", question, "--json", *places).document
        for one in document["citations"]:
            text = (notes / one["path"]).read_text()
            assert text[slice(*one["chars"])] == one["quote"]
        return document

    return asked


def test_a_sentence_brings_its_footnote_as_a_citation_of_its_own(ask):
    answer = ask("how many degrees did the heap reach in the second week?")
    first, second = answer["citations"]
    assert first["quote"] == "The heap reached 58 degrees in the second week.[^temp]"
    assert second["quote"] == "[^temp]: Measured with a meat thermometer. It was 30 cm deep."
    assert answer["answer"] == (
        "The heap reached 58 degrees in the second week. [1]\n\n"
        "Measured with a meat thermometer. It was 30 cm deep. [2]"
    )


def test_a_footnote_brings_the_sentence_that_it_is_of(ask):
    quotes = [one["quote"] for one in ask("what does juglone stop?")["citations"]]
    assert "Walnut leaves stay out of the heap.[^nut][^bird]" in quotes
    assert any("Juglone stops seeds from sprouting." in one for one in quotes)
