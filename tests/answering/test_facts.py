"""What is said of an answer that lacks something: facts that a reader can check."""

import pytest
from certain import certain_to

import ragqa
from ragqa.render.view import trust_line

NOTES = {
    "ideas.md": "# Ideas\n\n- repaint the shed\n\nA colleague leases a bike through JobRad.\n",
    "money.md": "# Costs\n\nThe gym costs 30 euros per month.\n",
    "presents.md": "# Presents\n\n## For Ben\n\n- a wooden train\n- rubber boots\n",
    "plan.md": "# Backup\n\n| | Plus |\n| --- | --- |\n| Devices | Unlimited |\n",
    "flat.md": "# Flat\n\nThe landlord wants the stairwell swept.\n\n## House\n\n"
    "The landlord is Jan Terpstra, j.terpstra@example.org.\n",
    "trips.md": "# Trips\n\nWe went to Lisbon by train in June 2023.\nThe hut had wi-fi.\n",
    "lines.md": "# Lines\n\ngifts Zoe: socks\nVelorent - ask HR\n"
    "The pool costs 40 euros per month.\n",
    "run.md": "# Run\n\nmaxRetries is 5; Müllabholung on Tuesday.\n",
    "vet.md": "# Mops\n\nvet for Mops: dr. sommer\n",
    "team.md": "# Team\n\nNoor does the stage, Piet the bar.\n",
}


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask notes by an embedder that needs no model; each answer is taken to be likely."""
    monkeypatch.setattr("ragqa.answering.judge.shipped", lambda: certain_to(0.9))
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    settings = {"embedder": "hashed:64"}
    with ragqa.open_index(folder, index=tmp_path / "index", settings=settings) as index:
        yield index.ask


def test_a_word_that_stands_in_another_note_is_named_with_its_line_and_shown(ask):
    answer = ask("how much does the JobRad cost per month?")
    assert "gym" in answer.text
    assert trust_line(answer) == "Probably (JobRad is in ideas.md:5):"
    assert (answer.also[0].path, "JobRad" in answer.also[0].quote) == ("ideas.md", True)


def test_a_word_is_in_no_note_only_if_none_has_it_in_a_like_spelling(ask):
    assert ask("when did we go to Zanzibar by train?").missing.no_note_has == ("Zanzibar",)
    for known in ("Lisbonne", "wifi", "Terpstr", "Jobrads", "Retries", "Abholung"):
        assert ask(f"is {known} by train?").missing.no_note_has == ()


def test_a_stop_word_of_another_language_is_never_said_to_be_missing(ask):
    missing = ask("wann train to Lisbon?").missing
    assert (missing.words, missing.unsaid) == ((), ())
    assert ask("when did Wann go by train?").missing.no_note_has == ("Wann",)


def test_no_word_is_said_to_be_in_no_note_where_notes_may_be_unread(ask):
    question = "when did we go to Zanzibar by train?"
    assert ask(question).missing.no_note_has == ("Zanzibar",)
    assert ask(question, refresh=False).missing.no_note_has == ()


@pytest.mark.parametrize(
    ("question", "missing", "short"),
    [
        ("how much does the Velorent cost per month?", ("Velorent",), None),
        ("how much does the pool cost per month?", (), "40 euros"),
    ],
)
def test_a_figure_on_another_line_than_the_subject_is_no_answer(ask, question, missing, short):
    answer = ask(question)
    assert "40 euros" in answer.text
    assert (answer.missing.unsaid, answer.missing.elsewhere) == (missing, ())
    assert [one.short_answer and one.short_answer.text for one in answer.citations][:1] == [short]


@pytest.mark.parametrize(
    "question",
    [
        "present ideas for Ben",
        "how many devices with Plus?",
        "who is responsible for the bar?",
        "remind me where we went by train, please",
    ],
)
def test_nothing_is_said_to_be_missing_that_is_shown_or_common(ask, question):
    assert trust_line(ask(question)) == ""


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("when does Noor do the stage? what date?", "Probably (no date there):"),
        ("what is the phone number of Piet at the bar?", "Probably (no phone number there):"),
        ("which link has the gym?", "Probably (no link there):"),
    ],
)
def test_what_is_asked_for_and_not_there_is_named(ask, question, said):
    assert trust_line(ask(question)) == said


def test_nothing_is_claimed_of_names_which_have_many_forms(ask):
    answer = ask("who is the vet for Mops?")
    assert "dr. sommer" in answer.text
    assert (trust_line(answer), answer.missing.not_there) == ("Probably:", "")


def test_an_address_is_found_by_what_it_looks_like(ask):
    answer = ask("what is the email of the landlord?")
    assert "j.terpstra@example.org" in answer.text
    assert trust_line(answer) == ""
