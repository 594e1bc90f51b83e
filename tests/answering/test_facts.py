"""What is said of an answer that lacks something: facts that a reader can check."""

import math

import pytest

import ragqa
from ragqa.answering.assessment import Model
from ragqa.render.view import trust_line

NOTES = {
    "presents.md": "# Presents\n\n## For Ben\n\n- a wooden train\n- rubber boots\n",
    "flat.md": "# House\n\nThe landlord is Jan Terpstra, j.terpstra@example.org.\n",
    "trips.md": "# Trips\n\nWe went to Lisbon by train in June 2023.\nThe hut had wi-fi.\n",
    "run.md": "# Run\n\nmaxRetries is 5; M\u00fcllabholung on Tuesday.\n",
}


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask notes by an embedder that needs no model; each answer is taken to be likely."""
    model = Model(("coverage",), (0.0,), (1.0,), (0.0,), math.log(9), threshold=0.1)
    models = {"all": model, "terms": model}
    monkeypatch.setattr("ragqa.answering.assessment.shipped", lambda: models)
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    settings = {"embedder": "hashed:64"}
    with ragqa.open_index(folder, index=tmp_path / "index", settings=settings) as index:
        yield index.ask


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("when did we go to Zanzibar by train?", ("Zanzibar",)),
        ("zanzibar or Zanzibar, by train?", ("zanzibar", "Zanzibar")),
        ("why wasn't Wann there, by train?", ("Wann",)),
        ("wann train to Lisbon?", ()),
        ("wie lange müssen wir by train to Lisbon?", ()),
        *(
            (f"is {known} by train?", ())
            for known in ["Lisbonne", "wifi", "Terpstr", "Retries", "Abholung"]
        ),
        ("present ideas for Ben in May 2019", ()),
        ("remind me where we went by train, please", ()),
    ],
)
def test_a_word_is_in_no_note_only_if_none_has_it_in_a_like_spelling(ask, question, words):
    answer = ask(question)
    assert answer.no_note_has == words
    assert trust_line(answer) == (f"Probably (no note has: {', '.join(words)}):" if words else "")


def test_no_short_answer_is_marked_where_a_word_is_in_no_note(ask):
    marked = {
        name: ask(f"when did we go to {name} by train?").citations[0].short_answer
        for name in ("Lisbon", "Zanzibar")
    }
    assert marked["Lisbon"].text == "June 2023"
    assert marked["Zanzibar"] is None


def test_an_address_is_found_by_what_it_looks_like(ask):
    assert "j.terpstra@example.org" in ask("what is the email of the landlord?").text
