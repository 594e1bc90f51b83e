"""Where two sentences answer one question differently, and where they only seem to."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cases import each_of
from excerpting import EMBEDDER, asked, passages_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering import Answering, compose
from ragqa.answering.disagreement import disagreements
from ragqa.answering.sentences import candidates_of
from ragqa.claims.difference import difference, read_answer, read_asked
from ragqa.types import Hit

PAIRS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "eval" / "disagreements.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


def found(question, one, other, headings=((), ())):
    """What two sentences differ in, and the words that say it; None where they agree."""
    asked = read_asked(question)
    first, second = (
        read_answer(text, tuple(trail)) for text, trail in zip((one, other), headings, strict=True)
    )
    differ = difference(asked, first, second)
    assert (differ is None) == (difference(asked, second, first) is None)
    if differ is None:
        return None
    return differ.about, *(
        text[start:end] for text, (start, end) in zip((one, other), differ.spans, strict=True)
    )


def judged(half, *, disagree):
    pairs = [pair for pair in PAIRS if pair["half"] == half and pair["disagree"] is disagree]
    told = [
        found(
            pair["question"],
            pair["a"]["text"],
            pair["b"]["text"],
            (pair["a"]["heading"], pair["b"]["heading"]),
        )
        for pair in pairs
    ]
    return pairs, told


@pytest.mark.parametrize("half", ["tune", "test"])
def test_at_most_one_false_alarm_in_twenty_on_the_hand_made_pairs(half):
    pairs, told = judged(half, disagree=False)
    alarms = [pair["id"] for pair, one in zip(pairs, told, strict=True) if one]
    assert len(alarms) <= len(pairs) / 20, alarms


@pytest.mark.parametrize("half", ["tune", "test"])
def test_two_in_three_figures_dates_and_plain_nots_are_found_on_the_hand_made_pairs(half):
    pairs, told = judged(half, disagree=True)
    told = {pair["id"]: one for pair, one in zip(pairs, told, strict=True)}
    plain = [pair for pair in pairs if pair["kind"] != "word"]
    missed = [pair["id"] for pair in plain if not told[pair["id"]]]
    assert len(missed) <= len(plain) / 3, missed
    kinds = [(pair["kind"], told[pair["id"]][0]) for pair in pairs if told[pair["id"]]]
    assert all(wanted == got for wanted, got in kinds)


@each_of("difference")
def test_two_sentences_differ_in_a_figure_a_date_or_a_no_where_all_else_is_alike(
    question, one, other, trails, differ
):
    assert found(question, one, other, trails) == (differ and tuple(differ))


SENTENCES = st.text(max_size=120) | st.from_regex(
    r"[Tt]he (limit|cache) (is|has|was) (not )?\w{1,8} [\d.,]{1,9} ?\w{0,7}", fullmatch=True
)


@given(st.just("what is the limit?") | st.text(max_size=80), SENTENCES, SENTENCES)
def test_any_texts_can_be_compared_and_none_disagrees_with_itself(question, one, other):
    found(question, one, other)
    assert found(question, one, one) is None


def hit(path, text, date="", language="en"):
    (passage,) = passages_of(text, path)
    return Hit(replace(passage, note_date=date, language=language), 1.0, None, None)


def told(*notes, close=None, terms=0.0, cited=1, old_before=""):
    """The disagreements between notes of one sentence each, of which the first are cited.

    :param close: how close each is to the question; all are if it is None.
    :param terms: the share of the question's words that each holds.
    """
    candidates = candidates_of([hit(*note) for note in notes])
    scored = [
        replace(
            one,
            score=1 - n / 10,
            signals={"cosine": each, "maxsim": each, "coverage": terms},
        )
        for n, (one, each) in enumerate(zip(candidates, close or [0.9] * len(notes), strict=True))
    ]
    return disagreements("what is the limit?", scored[:cited], scored, old_before=old_before)


CLOSE = {"cosine": 0.9, "maxsim": 0.9, "coverage": 1.0}
SIXTY, HUNDRED = "The limit is 60 requests.", "The limit is 100 requests."


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (("2023-01-01", "2024-01-01"), "b.md"),
        (("2024-01-01", "2023-01-01"), "a.md"),
        (("2023-01-01", ""), "a.md"),
        (("", ""), "a.md"),
    ],
)
def test_the_newer_note_comes_first_and_one_without_a_date_last(dates, first):
    (one,) = told(("a.md", SIXTY, dates[0]), ("b.md", HUNDRED, dates[1]))
    assert one.citations[0].path == first
    assert one.says == ("60 requests", "100 requests")[:: 1 if first == "a.md" else -1]
    assert {citation.path: citation.n for citation in one.citations} == {"a.md": 1, "b.md": 0}


def test_the_words_in_question_are_placed_in_the_sentence_and_in_the_note():
    one, other = (
        "Of 60 shards the limit is **60** requests.",
        "Of 60 shards the limit is 90 requests.",
    )
    (found,) = told(("a.md", one), ("b.md", other))
    assert found.says == ("60 requests", "90 requests")
    assert found.texts == (one.replace("*", ""), other)
    assert found.spans == ((26, 37), (26, 37))
    assert found.says_chars == (None, (26, 37))


def test_each_side_says_whether_it_is_old():
    notes = ("a.md", SIXTY, "2020-05-01"), ("b.md", HUNDRED, "2024-05-01")
    (one,) = told(*notes, old_before="2022-05-01")
    assert [citation.old for citation in one.citations] == [False, True]


@pytest.mark.parametrize(
    ("how", "compared"),
    [
        ({"close": [0.9, 0.3]}, False),
        ({"close": [0.9, 0.3], "cited": 2}, True),
        ({"close": [0.9, 0.3], "terms": 1.0}, True),
        # Where the question could not be read, its words tell.
        ({"close": [0.0, 0.0], "terms": 0.5}, True),
        ({"close": [0.0, 0.0], "terms": 0.4}, False),
    ],
)
def test_what_is_compared_is_cited_or_close_to_the_question_or_has_its_words(how, compared):
    assert bool(told(("a.md", SIXTY), ("b.md", HUNDRED), **how)) is compared


def test_a_close_sentence_is_compared_though_it_has_the_lowest_score_of_all():
    candidates = candidates_of([hit("a.md", SIXTY), hit("b.md", HUNDRED)])
    scored = [
        replace(one, score=score, signals=CLOSE)
        for one, score in zip(candidates, (1.0, 0.0), strict=True)
    ]
    assert disagreements("what is the limit?", scored[:1], scored)


def test_two_sentences_of_one_note_are_not_compared():
    both = candidates_of([hit("a.md", f"{SIXTY} {HUNDRED}")])
    scored = [replace(one, score=1.0, signals=CLOSE) for one in both]
    assert len(scored) == 2
    assert disagreements("what is the limit?", scored[:1], scored) == ()


def test_what_disagrees_with_the_answer_is_not_offered_again_as_a_further_excerpt(monkeypatch):
    monkeypatch.setattr("ragqa.answering.excerpt.FURTHER_SHARE", 0.0)
    notes = {"a.md": SIXTY, "b.md": HUNDRED, "c.md": "Uploads count towards the limit."}
    hits = tuple(
        Hit(passage, 1 - n / 100, 0.9, 2.0)
        for n, (path, text) in enumerate(notes.items())
        for passage in passages_of(f"{text}\n", path)
    )
    question = asked("what is the limit?", idf={"limit": 1.0}, day="a.md")
    answer = compose(question, hits, EMBEDDER, Answering(excerpts=1))
    (one,) = answer.disagreements
    assert {side.path for side in one.citations} == {"a.md", "b.md"}
    assert [citation.path for citation in answer.citations] == ["a.md"]
    assert [citation.path for citation in answer.also] == ["c.md"]


def test_only_english_sentences_are_compared():
    one, other = ("a.md", "The limit is 60 requests."), ("b.md", "The limit is 100 requests.")
    assert told(one, other)
    assert not told((*one, "", "de"), (*other, "", "de"))


def test_what_neither_side_of_is_cited_is_not_told():
    notes = ("a.md", "The limit is explained here."), ("b.md", SIXTY), ("c.md", HUNDRED)
    assert told(*notes) == ()


def test_the_same_disagreement_is_told_once_and_at_most_three_are():
    assert len(told(("a.md", SIXTY), ("b.md", HUNDRED), ("c.md", HUNDRED))) == 1
    others = [(f"{n}.md", f"The limit is {n} requests.") for n in range(70, 74)]
    assert len(told(("a.md", SIXTY), *others)) == 3
