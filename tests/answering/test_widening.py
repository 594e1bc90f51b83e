"""What makes a sentence whole, and sentences that complete each other."""

import numpy as np
import pytest

from ragqa.answering.candidates import candidates_of
from ragqa.answering.composing import choose, widen, worth_saying_to
from ragqa.answering.scoring import Scored
from ragqa.embedders import embedder_for
from ragqa.notes import parse_note
from ragqa.passages import Chunking, split_note
from ragqa.types import Hit, Stamp

EMBEDDER = embedder_for("hashed:64", building=False)


def scored_of(text):
    """The candidates of a note of one passage, the first scored best."""
    (passage,) = split_note(
        parse_note("note.md", text, "0" * 64, Stamp(0, 0)),
        chunking=Chunking(),
        window=EMBEDDER.info.window,
        count_tokens=EMBEDDER.count_tokens,
    )
    candidates = candidates_of([Hit(passage, 1.0, 0.5, 1.0)])
    return [Scored(c, 1 - i / 10, {}, {}, np.zeros(0)) for i, c in enumerate(candidates)], passage


def widened(text, said, question):
    scored, passage = scored_of(text)
    chosen = [one for one in scored if any(words in one.candidate.text for words in said)]
    whole = [one.candidate for one in widen(chosen, question)]
    for candidate in whole:
        unit = candidate.unit
        assert passage.text[unit.start - passage.start :].startswith(candidate.quote)
    return whole


def test_a_sentence_that_begins_with_it_comes_with_the_one_before():
    text = "# Figs\n\nThe fig tree is old. It ripens in August. Birds like it.\n"
    (one,) = widened(text, ["ripens"], "when do figs ripen")
    assert one.quote == "The fig tree is old. It ripens in August."


def test_the_sentence_before_is_not_said_twice():
    text = "# Figs\n\nThe fig tree is old. It ripens in August.\n"
    first, second = widened(text, ["ripens", "old"], "when do figs ripen")
    assert first.quote == "The fig tree is old."
    assert second.quote == "It ripens in August."


def test_the_first_sentence_of_a_paragraph_takes_the_heading_for_its_it():
    text = "# Figs\n\nThe tree is old.\n\nIt ripens in August.\n"
    (one,) = widened(text, ["ripens"], "when do figs ripen")
    assert one.quote == "It ripens in August."
    assert one.text == "Figs: It ripens in August."


def test_a_sentence_before_that_begins_so_too_is_not_enough():
    text = "# Team\n\nMaria leads the team. It was set up in March. She also approves swaps.\n"
    (one,) = widened(text, ["swaps"], "who approves swaps")
    assert one.quote == "Maria leads the team. It was set up in March. She also approves swaps."


@pytest.mark.parametrize("before", ["It is old and red. " * 4, "It is old and red. "])
def test_where_none_near_says_what_it_is_the_heading_does(before):
    far = "Figs are old trees. " if len(before) > 20 else ""
    text = f"# Figs\n\n{far}{before}It ripens in August.\n"
    (one,) = widened(text, ["ripens"], "when do figs ripen")
    assert one.quote == "It ripens in August."
    assert one.text == "Figs: It ripens in August."


def texts_of(text):
    return [one.candidate.text for one in scored_of(text)[0]]


def test_what_looks_like_a_comment_in_code_is_code():
    text = (
        "# Code\n\nUse `%%` for the first. Use `%%` for the second.\n\n"
        "~~~\nprint 5 %% 3\n~~~\n\nOne %% is a sign.\n"
    )
    assert len(texts_of(text)) == 4


def test_a_term_that_says_nothing_by_itself_comes_with_what_it_means():
    text = "# Fruit\n\n**Ripe sweet figs.** Figs that give way to a thumb. They keep two days.\n"
    (one,) = widened(text, ["Ripe sweet figs"], "what are ripe sweet figs?")
    assert one.text == "Ripe sweet figs. Figs that give way to a thumb."
    (one,) = widened(text, ["Ripe sweet figs"], "which fruit is soft?")
    assert one.text == "Ripe sweet figs."


STEPS = "# Bread\n\n## Baking\n\n1. Mix flour and water.\n2. Wait for an hour.\n3. Bake it well.\n"


def test_who_asks_for_steps_gets_all_of_them_in_order():
    (one,) = widened(STEPS, ["Wait"], "how do I bake bread?")
    assert one.text == ("Baking:\n1. Mix flour and water.\n2. Wait for an hour.\n3. Bake it well.")
    assert one.quote.startswith("1. Mix")


def test_the_line_that_announces_steps_comes_with_them():
    text = STEPS.replace("1. Mix", "Bake the bread as follows.\n\n1. Mix")
    (one,) = widened(text, ["as follows"], "how do I bake bread?")
    assert one.text.startswith("Bake the bread as follows.\n1. Mix flour and water.\n2. Wait")
    assert one.quote.startswith("Bake the bread")


def test_what_is_nested_in_a_step_stays_below_it():
    text = STEPS.replace("hour.\n", "hour.\n   - Cover it well.\n")
    (one,) = widened(text, ["Mix"], "how do I bake bread?")
    assert one.text.splitlines()[2:] == [
        "2. Wait for an hour.",
        "   - Cover it well.",
        "3. Bake it well.",
    ]


def test_who_does_not_gets_the_item():
    (one,) = widened(STEPS, ["Wait"], "what is an hour for?")
    assert one.text == "Wait for an hour."


def test_a_list_without_numbers_is_no_steps():
    text = STEPS.replace("1.", "-").replace("2.", "-").replace("3.", "-")
    (one,) = widened(text, ["Wait"], "how do I bake bread?")
    assert one.text == "Wait for an hour."


def test_a_further_sentence_that_meets_another_part_of_the_question_comes_first():
    scored, _ = scored_of("# A\n\nRed is a colour. Crimson is a colour too. Blue is one as well.\n")
    met = ([1.0, 0.0], [1.0, 0.0], [0.0, 1.0])
    scored = [
        Scored(one.candidate, one.score, {}, {}, np.array(row))
        for one, row in zip(scored, met, strict=True)
    ]
    chosen = choose(scored, sentences=2, worth_saying=0)
    assert [one.candidate.text.split()[0] for one in chosen] == ["Red", "Blue"]


@pytest.mark.parametrize(
    ("question", "worth"), [("red vs blue", 0.6), ("what is red", 0.8), ("", 0.8)]
)
def test_the_other_side_of_a_comparison_may_match_less_well(question, worth):
    assert worth_saying_to(question) == worth
