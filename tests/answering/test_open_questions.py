"""What a note asks is no answer, unless the answer stands below it."""

import pytest
from excerpting import EMBEDDER, asked, passages_of

from ragqa.answering import Answering, compose
from ragqa.answering.judge import MOST_CONFIDENT
from ragqa.answering.layout import Layout
from ragqa.text.words import query_terms
from ragqa.types import Hit, Verdict, verdict_of


def answer(question, text):
    """The answer from one note, and its verdict."""
    passages = passages_of(text, window=60, target=30)
    hits = tuple(Hit(p, score=1 - i / 10, dense=0.9, terms=2.0) for i, p in enumerate(passages))
    idf = dict.fromkeys(query_terms(question), 1.0)
    answering = Answering(excerpts=1, open_note=lambda _: Layout.of(text, passages))
    said = compose(asked(question, idf=idf), hits, EMBEDDER, answering)
    return said, verdict_of(said.confidence, said.missing, answered=said.answered)


OPEN = """# Parking

## Open questions

- Should the garage be open at night for all of us?
- Will there be a lift?
- Is the second floor needed?

## Garage

The garage should be open at night for us all. It has two floors.
"""


@pytest.mark.parametrize("mark", ["", "**"])
def test_a_statement_nearby_is_quoted_in_place_of_what_the_note_asks(mark):
    text = OPEN.replace("Should", f"{mark}Should").replace("all of us?", f"all of us?{mark}")
    said, verdict = answer("should the garage be open at night for us all?", text)
    assert said.text.startswith("The garage should be open at night for us all.")
    assert "Should" not in said.text
    assert verdict is Verdict.ANSWERED


LISTED = """# Vermouth

Open questions:

- When should the must be racked?
- How much gentian is too much?
- Who pays for the new press?

The must should be racked at 1.010, and not before.
"""


def test_a_list_of_open_questions_is_no_answer_even_with_the_line_above_it():
    said, _ = answer("when should the must be racked?", LISTED)
    assert said.text.startswith("The must should be racked at 1.010, and not before.")
    said, verdict = answer("who pays for the new press?", LISTED)
    assert said.confidence <= MOST_CONFIDENT
    assert verdict is not Verdict.ANSWERED


@pytest.mark.parametrize(
    "asks",
    [
        "- Will there be a lift?\n- Is it tall?\n",
        "Will there be a lift? (Ask Ann?)\n",
    ],
)
def test_what_a_note_only_asks_is_quoted_with_reserve(asks):
    said, verdict = answer("will there be a lift?", f"# Parking\n\nHow odd.\n\n## Open\n\n{asks}")
    assert "Will there be a lift?" in said.text
    assert said.missing == ("an answer",)
    assert said.confidence <= MOST_CONFIDENT
    assert verdict is Verdict.CLOSE


@pytest.mark.parametrize(
    "asked",
    [
        "**When is the garage open?**\n{}\n",
        "When is the garage open?\n\n{}\n",
        "- When is the garage open?\n  - {}\n- Why is it?\n",
        "1. When is the garage open?\n\n{}\n\n2. Why is it?\n\nNobody knows.\n",
    ],
)
def test_a_question_with_its_answer_below_it_answers_without_reserve(asked):
    text = "# Parking\n\n" + asked.format("Open from 6 to 11, on all days.")
    said, verdict = answer("when is the garage open?", text)
    assert "from 6 to 11" in said.text
    assert verdict is Verdict.ANSWERED


def test_a_note_that_begins_by_asking_what_a_thing_is_does_not_define_it():
    text = "# Lifts\n\nIs a lift worth it?\n\n## Kinds\n\nOne kind of lift is a paternoster.\n"
    said, _ = answer("what is a lift?", text)
    assert "worth it" not in said.text


def test_questions_are_quoted_without_reserve_where_questions_are_wanted():
    text = OPEN.replace("Open questions", "Questions to ask the owner of the garage")
    said, _ = answer("which questions should I ask the owner of the garage?", text)
    assert "Should the garage be open at night for all of us?" in said.text
    assert "an answer" not in said.missing
