"""Where two sentences answer one question differently, and where they only seem to."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from excerpting import EMBEDDER, asked, passages_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering import Answering, compose
from ragqa.answering.disagreement import disagreements
from ragqa.answering.sentences import candidates_of
from ragqa.claims.difference import difference, read_answer, read_asked
from ragqa.types import Hit, Kind, Passage, Unit

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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tracing is enabled by default.", "Tracing is disabled by default."),
        ("The flag is required.", "The flag is optional."),
        ("The API is stable.", "The API is unstable."),
    ],
)
def test_words_that_may_be_opposites_are_no_disagreement(one, other):
    assert found("what is it like?", one, other) is None


def test_the_words_that_differ_are_pointed_out():
    assert found(
        "what is the API limit?",
        "The API limit is 100 requests per minute.",
        "The API limit is 60 requests per minute.",
    ) == ("number", "100 requests", "60 requests")
    assert found(
        "when was it deployed?", "Deployed on 2024-03-01.", "It was deployed on 1 April 2024."
    ) == ("date", "2024-03-01", "1 April 2024")
    assert found(
        "does X support streaming?", "X supports streaming.", "X does not support streaming."
    ) == ("negation", "supports", "not support")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000 requests", "1k requests"),
        ("1000 requests", "one thousand requests"),
        ("1.5 GB", "1536 MB"),
        ("90 seconds", "1.5 minutes"),
        ("two weeks", "14 days"),
        ("about 50 requests", "48 requests"),
        ("5 to 10 requests", "about 8 requests"),
        ("up to 100 requests", "80 requests"),
        ("at least 8 GB", "16 GB"),
        ("a dozen requests", "12 requests"),
        ("25%", "25 percent"),
        ("$3 per million", "$0.003 per thousand"),
        ("3.5 million requests", "3,512,400 requests"),
    ],
)
def test_the_same_figure_said_otherwise_is_no_disagreement(one, other):
    assert found("what is it?", f"The quota is {one}.", f"The quota is {other}.") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("100 requests", "60 requests"),
        ("99.9%", "99.95%"),
        ("30 s", "1 minute"),
        ("8k tokens", "32,768 tokens"),
        ("2e-5", "5e-5"),
        ("$20", "$25"),
        ("three requests", "5 requests"),
        ("ninety requests", "30 requests"),
        ("100 requests per minute", "60 requests/min"),
        ("at least 8 requests", "at least 12 requests"),
    ],
)
def test_another_figure_is_a_disagreement(one, other):
    assert found("what is it?", f"The quota is {one}.", f"The quota is {other}.")[0] == "number"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("In v1 the quota is 60.", "In v2 the quota is 100."),
        ("The quota for reads is 60.", "The quota for writes is 100."),
        ("The quota is 60.", "The quota is 100 for free accounts."),
        ("The quota was 60 and is now 100.", "The quota is 100."),
        ("The quota was raised from 60 to 100.", "The quota is 100."),
        ("The quota was 60 in 2023.", "The quota was 100 in 2024."),
        ("The quota is 60 per minute.", "The quota is 1,000 per hour."),
        ("The staging quota is 60.", "The production quota is 100."),
        ("The Berlin quota is 60.", "The quota is 100."),
        ("Mia's quota is 60.", "My quota is 100."),
        ("The quota is 60 or 80.", "The quota is 100."),
    ],
)
def test_another_subject_condition_or_time_is_no_disagreement(one, other):
    assert found("what is the quota?", one, other) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The flag is not required.", "The flag is optional."),
        ("We use not only Redis.", "We use Redis."),
        ("No more than 5 retries are made.", "Up to 5 retries are made."),
        ("Retrying is not uncommon.", "Retrying is common."),
        ("Pages are cached.", "Pages with an error are not cached."),
        ("We use Kafka.", "We do not use Kafka for jobs."),
    ],
)
def test_a_no_that_denies_something_else_is_no_disagreement(one, other):
    assert found("what is it like?", one, other) is None


@pytest.mark.parametrize(
    ("question", "one", "other", "about"),
    [
        (
            "is the import idempotent?",
            "Chen reported that the import is not idempotent.",
            "The import is idempotent since build 812.",
            "negation",
        ),
        (
            "when is the launch?",
            "Launch date moved to 15 April 2025.",
            "Launch date is 1 March 2025.",
            "date",
        ),
        (
            "what is the budget?",
            "Conference budget: $12,000.",
            "The conference budget was cut to $8,000.",
            "number",
        ),
        (
            "since when do we use Kafka?",
            "We use Kafka since 2019.",
            "We use Kafka since 2021.",
            "date",
        ),
    ],
)
def test_who_said_it_and_that_it_was_changed_do_not_hide_a_disagreement(
    question, one, other, about
):
    assert found(question, one, other)[0] == about


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The quota was raised to 100.", "The quota is 100."),
        ("The quota moved from 60 to 100.", "The quota was 60."),
        ("The guest quota was raised to 100.", "The upload quota is 60."),
        ("The tool works since 3.0.", "Version 2 does not work."),
        ("Chen said that the export works.", "The import does not work."),
        ("Teams with at most 8 members are small.", "Groups have at most 12 members."),
        ("Names of tables have at most 63 characters.", "Names have at most 255 characters."),
    ],
)
def test_what_was_changed_or_said_of_another_thing_is_no_disagreement(one, other):
    assert found("what is the quota?", one, other) is None
    assert found("how many are there in the tool?", one, other) is None


def test_headings_that_name_two_of_a_kind_tell_two_things_apart():
    texts = "The rent is 850 a month.", "The rent is 1,100 a month."
    assert found("how much is the rent?", *texts, (("Contract",), ("Budget",)))
    flats = ("Flat in Leeds", "Rent"), ("Flat in York", "Rent")
    assert found("how much is the rent?", *texts, flats) is None


@given(st.text(max_size=80), st.text(max_size=120), st.text(max_size=120))
def test_any_two_texts_can_be_compared_in_either_order(question, one, other):
    for told in (found(question, one, other), found(question, other, one)):
        assert told is None or len(told) == len(("kind", "one", "other"))


@given(
    st.from_regex(
        r"[Tt]he (limit|cache) (is|has|was) (not )?\w{1,8} [\d.,]{1,9} ?\w{0,7}", fullmatch=True
    )
)
def test_a_sentence_never_disagrees_with_itself(text):
    assert found("what is the limit of the cache?", text, text) is None


def hit(path, text, date="", language="en"):
    passage = Passage(
        id=hash(path),
        embedding_key=0,
        path=path,
        title=path,
        start=0,
        end=len(text),
        lines=(1, 1),
        heading=(),
        text=text,
        units=(Unit(Kind.PARAGRAPH, 0, len(text)),),
        note_sha256="",
        note_date=date,
        language=language,
    )
    return Hit(passage, score=1.0, dense=None, terms=None)


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
        (("", "1999-01-01"), "b.md"),
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


def test_a_sentence_that_is_not_close_to_the_question_is_not_compared():
    assert told(("a.md", SIXTY), ("b.md", HUNDRED), close=[0.9, 0.3]) == ()


def test_what_is_cited_is_compared_however_far_from_the_question():
    assert told(("a.md", SIXTY), ("b.md", HUNDRED), close=[0.9, 0.3], cited=2)


def test_a_sentence_with_all_words_of_the_question_is_compared_however_far_from_it():
    assert told(("a.md", SIXTY), ("b.md", HUNDRED), close=[0.9, 0.3], terms=1.0)


def test_a_date_in_a_heading_does_not_tell_two_things_apart():
    trails = ("Weekly 2025-01-14",), ("Weekly 2025-02-11",)
    assert found("what is the limit?", SIXTY, HUNDRED, trails)
    assert found("what is the limit?", SIXTY, HUNDRED, (("Sprint 4",), ("Sprint 5",))) is None


def test_where_the_question_could_not_be_read_its_words_tell_what_is_close():
    notes = ("a.md", SIXTY), ("b.md", HUNDRED)
    assert told(*notes, close=[0.0, 0.0], terms=0.5)
    assert told(*notes, close=[0.0, 0.0], terms=0.4) == ()


def test_a_close_sentence_is_compared_though_it_has_the_lowest_score_of_all():
    candidates = candidates_of([hit("a.md", SIXTY), hit("b.md", HUNDRED)])
    scored = [
        replace(one, score=score, signals=CLOSE)
        for one, score in zip(candidates, (1.0, 0.0), strict=True)
    ]
    assert disagreements("what is the limit?", scored[:1], scored)


def test_two_sentences_of_one_note_are_not_compared():
    both = hit("a.md", f"{SIXTY} {HUNDRED}").passage
    units = (
        Unit(Kind.PARAGRAPH, 0, len(SIXTY)),
        Unit(Kind.PARAGRAPH, len(SIXTY) + 1, len(both.text)),
    )
    passage = Passage(**{name: getattr(both, name) for name in both.__slots__} | {"units": units})
    scored = [
        replace(one, score=1.0, signals=CLOSE)
        for one in candidates_of([Hit(passage, 1.0, None, None)])
    ]
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


def test_the_same_disagreement_is_told_once():
    notes = ("a.md", SIXTY), ("b.md", HUNDRED), ("c.md", HUNDRED)
    assert len(told(*notes)) == 1


def test_at_most_three_disagreements_are_told():
    others = [(f"{n}.md", f"The limit is {n} requests.") for n in range(70, 74)]
    assert len(told(("a.md", SIXTY), *others)) == 3
