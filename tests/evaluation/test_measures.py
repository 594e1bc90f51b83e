from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.evaluation.measures import (
    MEASURES,
    answer_found,
    measure_rankings,
    normalised,
)


def measured(grades, ranking):
    return measure_rankings({"q": grades}, {"q": ranking})["q"]


def others(count):
    return [f"other-{n}" for n in range(count)]


def test_graded_relevance_is_discounted_by_rank_and_held_against_the_best_order():
    found = measured({"best": 2, "good": 1, "lost": 1}, ["other", "good", "best"])
    gained = 1 / log2(3) + 2 / log2(4)
    ideal = 2 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert found == pytest.approx(
        {
            "ndcg@10": gained / ideal,
            "recall@1": 0,
            "recall@5": 2 / 3,
            "recall@10": 2 / 3,
            "recall@100": 2 / 3,
            "mrr@10": 1 / 2,
        }
    )


def test_a_perfect_ranking_measures_one():
    found = measured({"best": 2, "good": 1}, ["best", "good", "other"])
    assert found.pop("recall@1") == 0.5
    assert found == pytest.approx(dict.fromkeys(found, 1.0))


def test_the_worse_of_two_relevant_units_first_costs_gain_and_no_recall():
    found = measured({"best": 3, "good": 1}, ["good", "best"])
    assert found["ndcg@10"] == pytest.approx((1 + 3 / log2(3)) / (3 + 1 / log2(3)))
    assert (found["recall@5"], found["mrr@10"]) == (1, 1)


@pytest.mark.parametrize(
    ("rank", "reached"),
    [
        (1, {"recall@1", "recall@5", "recall@10", "recall@100", "mrr@10", "ndcg@10"}),
        (2, {"recall@5", "recall@10", "recall@100", "mrr@10", "ndcg@10"}),
        (5, {"recall@5", "recall@10", "recall@100", "mrr@10", "ndcg@10"}),
        (6, {"recall@10", "recall@100", "mrr@10", "ndcg@10"}),
        (10, {"recall@10", "recall@100", "mrr@10", "ndcg@10"}),
        (11, {"recall@100"}),
        (100, {"recall@100"}),
        (101, set()),
    ],
)
def test_a_measure_sees_as_far_as_its_name_says(rank, reached):
    found = measured({"wanted": 1}, [*others(rank - 1), "wanted", "last"])
    assert {name for name, value in found.items() if value > 0} == reached
    if rank <= 10:
        assert found["mrr@10"] == pytest.approx(1 / rank)
        assert found["ndcg@10"] == pytest.approx(1 / log2(rank + 1))


@pytest.mark.parametrize("rankings", [{"q": ["wanted"], "empty": ()}, {"q": ["wanted"]}])
def test_a_question_that_found_nothing_counts_zero(rankings):
    found = measure_rankings({"q": {"wanted": 1}, "empty": {"wanted": 1}}, rankings)
    assert found["empty"] == dict.fromkeys(MEASURES, 0)
    assert found["q"] == dict.fromkeys(MEASURES, 1)


def test_all_counts_zero_where_no_question_found_anything():
    zero = dict.fromkeys(MEASURES, 0)
    assert measure_rankings({"a": {"x": 1}, "b": {"y": 2}}, {}) == {"a": zero, "b": zero}
    assert measure_rankings({"a": {"x": 1}}, {"a": []}) == {"a": zero}


def test_a_ranking_of_a_question_that_is_not_judged_is_not_measured():
    assert set(measure_rankings({"a": {"x": 1}}, {"a": ["x"], "other": ["x"]})) == {"a"}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The Cat's  hat.", "cats hat"),
        ("an A-team, a theme", "ateam theme"),
        ("\tRye\nbread \u2028 (fresh)!", "rye bread fresh"),
        ("1,000.50 €", "100050 €"),
        ("The", ""),
        ("Élan vital", "élan vital"),
    ],
)
def test_normalising_drops_case_punctuation_articles_and_spare_white_space(text, plain):
    assert normalised(text) == plain


@given(st.text(max_size=40))
@trying(60)
def test_normalising_ends_with_single_blanks_between_words(text):
    assert normalised(text) == " ".join(normalised(text).split())


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("It bakes Rye Bread daily.", "the rye bread"),
        ("Rye bread", "rye bread"),
        ("In 1987, he left.", "1987"),
        ("(rye) bread", "Rye, bread!"),
    ],
)
def test_an_answer_is_found_among_other_words(sentence, answer):
    assert answer_found(["Something else.", sentence], ["no such thing", answer])


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("They concatenate rows.", "cat"),
        ("The category is full.", "cat"),
        ("A tomcat sleeps.", "cat"),
        ("It was in 2012.", "12"),
        ("It costs 120 euros.", "20 euros"),
        ("One cat, one dog.", "cat dog"),
    ],
)
def test_an_answer_is_not_found_within_other_words(sentence, answer):
    assert not answer_found([sentence], [answer])


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("A wellknown baker.", "well-known"),
        ("A well-known baker.", "wellknown"),
        ("Don't wait.", "dont"),
        ("It costs 1,000 euros.", "1000"),
        ("It opens at 7 a.m.", "7 am"),
        ("Rye, wheat and spelt.", "wheat"),
    ],
)
def test_punctuation_is_read_as_nothing(sentence, answer):
    assert answer_found([sentence], [answer])


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("A well-known baker.", "well known"),
        ("A well known baker.", "well-known"),
        ("It costs 10-12 euros.", "12 euros"),
        ("rye/wheat bread", "wheat bread"),
        ("I'm early.", "m"),
    ],
)
def test_words_that_punctuation_joins_are_one_word(sentence, answer):
    assert not answer_found([sentence], [answer])


def test_an_answer_that_is_only_articles_and_marks_is_never_found():
    assert not answer_found(["The cat.", ""], ["The", "...", ""])


def test_an_answer_is_not_put_together_from_two_sentences():
    assert not answer_found(["It bakes rye", "bread and rolls."], ["rye bread"])


def test_nothing_is_found_where_nothing_was_said_or_wanted():
    assert not answer_found([], ["cat"])
    assert not answer_found(["A cat."], [])
