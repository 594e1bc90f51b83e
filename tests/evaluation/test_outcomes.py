from dataclasses import replace

import pytest
from cases import each_of
from support import make_answer

from ragqa.evaluation.asking import answer_scores, why_missed
from ragqa.evaluation.questions import Expected, GoldExcerpt, Task
from ragqa.types import Citation, Hit, Kind, Passage, Unit

PLACE = Expected("bakery.md", (3, 3), "It opens at seven.", "part 1")


def task(*units, unretrievable=()):
    return Task(
        id="a",
        question="When does the bakery open?",
        kind="fact",
        answerable=True,
        relevant=dict.fromkeys(units or ("part 1",), 1),
        units_of=lambda id_: [str(id_)],
        expected=[PLACE],
        unretrievable=frozenset(unretrievable),
    )


def ranks(hybrid, dense, terms):
    return {"hybrid": hybrid, "dense": dense, "terms": terms}


def stage(asked, ranked, scores, *, answered=True):
    """The stage that lost a question."""
    missed = why_missed(asked, ranked, scores, [], answered=answered)
    return missed and missed.stage


FAR = Task("a", "?", "", answerable=False, relevant={}, units_of=lambda id_: [str(id_)])
TASKS = {
    "one": task(),
    "lost": task(unretrievable=["part 1"]),
    "two parts": task("part 1", "part 2"),
    "one part lost": task("part 1", "part 2", unretrievable=["part 1"]),
    "far": FAR,
}


@each_of("lost_by")
def test_a_question_was_lost_by_the_stage_that_lost_its_place_or_its_answer(
    asked, ranks, scores, answered, lost_by
):
    assert stage(TASKS[asked], ranks, scores, answered=answered) == lost_by


def test_what_was_expected_and_found_is_told():
    passages = [
        Passage(n, n, f"{n}.md", "Note", 0, 4, (n, n + 1), ("Note", "Part"), f"text {n}", (), "0")
        for n in (1, 2, 3, 4)
    ]
    hits = [Hit(passage, 0.5, None, None) for passage in passages]
    missed = why_missed(task(), ranks([9], [9], [9]), {}, hits)
    assert missed.expected == (PLACE,)
    assert [found["path"] for found in missed.found] == ["1.md", "2.md", "3.md"]
    first = missed.found[0]
    assert (first["lines"], first["heading"], first["text"]) == ((1, 2), ("Note", "Part"), "text 1")


# What is measured of an answer

GOLD = GoldExcerpt("a.md", 0, "The bakery opens at seven in the morning.")


def cited(path, text, n=1, *, score=0.9, start=0, spans=None):
    return Citation(
        n=n,
        path=path,
        lines=(1, 1),
        chars=(start, start + len(text)),
        heading=(),
        quote=text,
        note_sha256="0" * 64,
        score=score,
        answer_spans=((start, start + len(text)),) if spans is None else spans,
    )


def answer(*citations, also=(), **more):
    return make_answer(
        text="", **{"citations": citations, "also": tuple(also), "confidence": 0.9} | more
    )


def by_excerpts(*gold):
    return replace(task(), gold=[list(part) for part in gold or [[GOLD]]])


def by_words(*answers):
    return replace(task(), answers=[[one] for one in answers])


RIGHT = cited("a.md", GOLD.quote)
ASIDE = cited("b.md", "Bread is baked from rye.", 2)


def test_a_further_excerpt_that_is_good_alone_makes_what_is_shown_good():
    scores = answer_scores(by_excerpts(), answer(ASIDE, also=[RIGHT]))
    assert (scores["good"], scores["good@3"], scores["coverage"]) == (False, True, 0)
    assert answer_scores(by_excerpts(), answer(RIGHT, also=[ASIDE]))["good@3"]
    assert not answer_scores(by_excerpts(), answer(ASIDE, also=[ASIDE]))["good@3"]


def test_what_stands_around_an_excerpt_counts_as_shown_and_not_as_cited():
    start = GOLD.start + len(before := f"{GOLD.quote} ")
    aside = replace(ASIDE, path="a.md", chars=(start, start + len(ASIDE.quote)))
    told = (answer_scores(by_excerpts(), answer(c)) for c in (aside, replace(aside, before=before)))
    alone, around = told
    assert (alone["coverage@3"], around["coverage@3"]) == (0, 1)
    assert alone.items() - around.items() == {("coverage@3", 0), ("words@3", 5)}


def test_only_two_further_excerpts_are_among_the_first_three_that_are_shown():
    third = answer_scores(by_excerpts(), answer(ASIDE, also=[ASIDE, RIGHT]))
    fourth = answer_scores(by_excerpts(), answer(ASIDE, also=[ASIDE, ASIDE, RIGHT]))
    assert (third["good@3"], fourth["good@3"]) == (True, False)
    assert fourth["words@3"] == 15


def test_the_parts_of_an_answer_are_not_made_good_by_excerpts_that_have_one_each():
    other = GoldExcerpt("b.md", 0, ASIDE.quote)
    both = by_excerpts([GOLD], [other])
    assert answer_scores(both, answer(RIGHT, ASIDE))["good"]
    assert not answer_scores(both, answer(RIGHT, also=[ASIDE]))["good@3"]


@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        (0, 40, False),
        # A quarter of the gold, with much else; and less than that.
        (30, 130, False),
        (31, 131, True),
        # At most half of what is cited is something else; and more than that.
        (35, 45, False),
        (35, 46, True),
        (40, 80, True),
    ],
)
def test_a_sure_answer_is_wrong_if_it_is_not_even_partly_right(start, end, wrong):
    one = by_excerpts([GoldExcerpt("a.md", 0, "x" * 40)])
    quote = cited("a.md", "x" * (end - start), start=start)
    assert answer_scores(one, answer(quote))["wrong"] == wrong
    assert "wrong" not in answer_scores(one, answer(quote, confidence=0.4))
    assert "wrong" not in answer_scores(one, answer(quote, no_note_has=("seven",)))


def test_a_sure_answer_to_what_the_notes_do_not_answer_is_wrong():
    scores = answer_scores(FAR, answer(RIGHT))
    assert (scores["sure"], scores["wrong"]) == (True, True)
    silent = answer_scores(FAR, answer(answered=False, confidence=0.1))
    assert silent == {"sure": False}


def test_a_short_answer_is_looked_for_in_each_excerpt_shown():
    text = "It sells bread. It opens at seven."
    first = cited("a.md", text, start=10, spans=((10, 25),))
    scores = answer_scores(by_words("seven"), answer(first, also=[ASIDE]))
    assert (scores["shown@1"], scores["shown@3"]) == (1, 1)
    rye = answer_scores(by_words("rye"), answer(first, also=[ASIDE]))
    assert (rye["shown@1"], rye["shown@3"], rye["wrong"]) == (0, 1, True)
    assert (rye["words@1"], rye["words@3"]) == (7, 12)


def test_the_labels_of_a_row_belong_to_the_sentence_and_to_what_is_shown():
    row = "| GRPO | no |"
    unit = Unit(Kind.ROW, 0, len(row), labels=("Method", "Value network"))
    table = replace(cited("a.md", row), units=(unit,), context="Method | Value network")
    scores = answer_scores(by_words("value network"), answer(table))
    assert scores["shown@1"] == 1


@pytest.mark.parametrize("unanswered", [None, answer(answered=False, confidence=0.1)])
def test_a_question_that_is_not_answered_shows_nothing(unanswered):
    scores = answer_scores(by_words("seven"), unanswered)
    assert scores == {"shown@1": 0, "shown@3": 0, "sure": False}
    scores = answer_scores(by_excerpts(), unanswered)
    assert scores == dict.fromkeys(("good", "good@3", "coverage", "coverage@3", "sure"), 0)
