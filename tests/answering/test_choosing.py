"""The best sentences that do not repeat each other, and why others are not in the answer."""

import numpy as np
import pytest
from excerpting import composed, passages_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering.candidates import candidates_of
from ragqa.answering.scoring import Scored, choose
from ragqa.explaining.explanation import Lost
from ragqa.explaining.ranking import why_lost
from ragqa.types import Hit, Kind

WORDS = ["red", "green", "blue", "amber", "violet", "teal", "ochre", "ivory"]


def scored(texts, scores, met=None):
    """The candidates of notes, in order, with their scores."""
    passages = [p for n, text in enumerate(texts) for p in passages_of(text, f"{n}.md")]
    found = candidates_of([Hit(p, score=1.0, dense=0.5, terms=1.0) for p in passages])
    met = met or [np.zeros(0)] * len(found)
    return [
        Scored(candidate, score, {}, {}, np.array(row))
        for candidate, score, row in zip(found, scores, met, strict=True)
    ]


def chosen(texts, scores, sentences, **how):
    return [one.candidate.text for one in choose(scored(texts, scores, **how), sentences)]


def test_the_best_are_chosen_best_first():
    note = "# A\n\nRed is warm. Blue is cold. Hm, well then.\n"
    assert chosen([note], [0.5, 1.0, 0.4], 2) == ["Blue is cold.", "Red is warm."]


def test_a_list_and_its_items_are_not_both_chosen():
    note = (
        "# A\n\nThere are two phases:\n\n- Pretraining first.\n- Alignment next.\n\nUse it well.\n"
    )
    one, other = choose(scored([note], [1.0, 0.95, 0.9, 0.1]), 3)
    assert one.candidate.unit.kind is Kind.LIST
    assert other.candidate.text == "Use it well."


def test_a_near_duplicate_is_chosen_once():
    notes = ["# A\n\nRed is a warm colour.\n", "# B\n\nRed is a warm colour!\n"]
    assert chosen(notes, [0.9, 1.0], 3) == ["Red is a warm colour!"]


def test_equal_scores_keep_the_order_of_the_ranking():
    assert chosen(["# A\n\nRed is warm.\n", "# B\n\nBlue is cold.\n"], [1.0, 1.0], 1) == [
        "Red is warm."
    ]


def test_a_further_sentence_that_meets_another_part_of_the_question_comes_first():
    note = "# A\n\nRed is a colour. Crimson is a colour too. Blue is one as well.\n"
    met = ([1.0, 0.0], [1.0, 0.0], [0.0, 1.0])
    assert chosen([note], [1.0, 0.9, 0.8], 2, met=met) == [
        "Red is a colour.",
        "Blue is one as well.",
    ]


@pytest.mark.parametrize(
    "sentences",
    [
        ("Retries stop after at most 3 attempts.", "Retries stop after at most 5 attempts."),
        ("Retries stop after three attempts.", "Retries stop after five attempts."),
        ("The launch date is 1 March 2025.", "The launch date is 15 April 2025."),
        ("The weekly sync is on Tuesday.", "The weekly sync is on Thursdays."),
        ("The CSV import is idempotent.", "The CSV import is not idempotent."),
        ("The office opens again in May.", "The office opens again in June."),
        ("The parser accepts comments.", "The parser doesn\u2019t accept comments."),
    ],
)
def test_sentences_that_differ_in_a_figure_a_date_or_a_no_do_not_repeat_each_other(sentences):
    assert chosen([f"# A\n\n{one}\n" for one in sentences], [1.0, 0.9], 2) == list(sentences)


@pytest.mark.parametrize(
    "sentences",
    [
        ("Retries stop after 3 attempts.", "Retries stop after 3 attempts, since 2024."),
        ("The weekly sync is on Tuesday.", "The weekly sync is on Tuesdays."),
        ("The sync is on 3 March.", "The sync is on Mar 3."),
        ("Post-hoc attribution.", "Post-hoc attribution finds support that no model ever used."),
    ],
)
def test_sentences_that_say_the_same_or_more_of_it_repeat_each_other(sentences):
    assert chosen([f"# A\n\n{one}\n" for one in sentences], [1.0, 0.9], 2) == [sentences[0]]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(1, 3))
def test_one_to_n_are_chosen_and_the_best_one_always(scores, most):
    sentences = [f"{WORDS[i % 8]} {WORDS[i % 5]} is colour {WORDS[i % 3]}." for i in range(12)]
    ranked = scored(["# A\n\n" + " ".join(sentences[: len(scores)])], scores)
    found = choose(ranked, most)
    assert 1 <= len(found) <= most
    assert found[0].score == max(scores)
    assert not any(
        one.candidate.overlaps(other.candidate)
        for i, one in enumerate(found)
        for other in found[:i]
    )


def shown_for(question, texts, scores):
    notes = {f"{n}.md": text for n, text in enumerate(texts)}
    return composed(question, notes, scores)


def test_what_an_excerpt_has_is_shown_even_beside_the_sentence_that_answers():
    note = "# A\n\nRed is warm. Blue is cold.\n\nAmber is a stone.\n"
    excerpts = shown_for("what is it like", [note], {"Red": 1.0})
    lost = [why_lost(one, excerpts) for one in scored([note], [1.0, 0.9, 0.5])]
    assert lost == [None, None, Lost.WEAK]


def test_what_is_better_than_the_definition_that_is_shown_is_passed_over():
    notes = ["# Red\n\nRed is a warm colour.\n", "# B\n\nMany like red.\n\nSome do not.\n"]
    excerpts = shown_for("what is red", notes, {"Many": 1.0, "warm": 0.5})
    assert [excerpt.path for excerpt in excerpts] == ["0.md"]
    lost = [why_lost(one, excerpts) for one in scored(notes, [0.5, 1.0, 0.4])]
    assert lost == [None, Lost.PASSED_OVER, Lost.WEAK]
