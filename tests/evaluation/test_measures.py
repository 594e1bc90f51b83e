from math import log2

import pytest

from ragqa.evaluation.measures import (
    MEASURES,
    answer_found,
    measure_ranking,
    normalised,
)


def others(count):
    return [f"other-{n}" for n in range(count)]


def test_graded_relevance_is_discounted_by_rank_and_held_against_the_best_order():
    found = measure_ranking({"best": 2, "good": 1, "lost": 1}, ["other", "good", "best"])
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
    found = measure_ranking({"wanted": 1}, [*others(rank - 1), "wanted", "last"])
    assert {name for name, value in found.items() if value > 0} == reached
    if rank <= 10:
        assert found["mrr@10"] == pytest.approx(1 / rank)
        assert found["ndcg@10"] == pytest.approx(1 / log2(rank + 1))


def test_a_ranking_that_found_nothing_counts_zero():
    assert measure_ranking({"wanted": 1}, ()) == dict.fromkeys(MEASURES, 0)
    assert measure_ranking({"wanted": 1}, ["wanted"]) == dict.fromkeys(MEASURES, 1)


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


@pytest.mark.parametrize(
    ("said", "answer", "is_found"),
    [
        ("It bakes Rye Bread daily.", "the rye bread", True),
        ("Rye bread", "rye bread", True),
        ("In 1987, he left.", "1987", True),
        ("(rye) bread", "Rye, bread!", True),
        # Not within other words, nor from words that do not stand together.
        ("They concatenate rows.", "cat", False),
        ("The category is full.", "cat", False),
        ("A tomcat sleeps.", "cat", False),
        ("It was in 2012.", "12", False),
        ("It costs 120 euros.", "20 euros", False),
        ("One cat, one dog.", "cat dog", False),
        # Punctuation is read as nothing, so that words which it joins are one.
        ("A wellknown baker.", "well-known", True),
        ("A well-known baker.", "wellknown", True),
        ("Don't wait.", "dont", True),
        ("It costs 1,000 euros.", "1000", True),
        ("It opens at 7 a.m.", "7 am", True),
        ("Rye, wheat and spelt.", "wheat", True),
        ("A well-known baker.", "well known", False),
        ("A well known baker.", "well-known", False),
        ("It costs 10-12 euros.", "12 euros", False),
        ("rye/wheat bread", "wheat bread", False),
        ("I'm early.", "m", False),
        # An answer of articles and marks alone is never found.
        ("The cat.", "The", False),
        ("The cat...", "...", False),
        ("", "", False),
    ],
)
def test_an_answer_is_found_where_its_words_stand_whole_and_together(said, answer, is_found):
    assert answer_found(["Something else.", said], ["no such thing", answer]) is is_found


def test_an_answer_is_not_put_together_from_two_sentences_nor_found_where_nothing_is_wanted():
    assert not answer_found(["It bakes rye", "bread and rolls."], ["rye bread"])
    assert not answer_found([], ["cat"])
    assert not answer_found(["A cat."], [])
