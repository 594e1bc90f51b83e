from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.evaluation.generating import generate_questions
from ragqa.evaluation.measures import answer_found, normalised
from ragqa.notes import parse_note
from ragqa.text.words import query_terms
from ragqa.types import Stamp

LIBRARY = """\
# City library

The city library lends books and tools to everyone who lives in the valley.

## Opening hours

On weekdays the reading room opens early and closes after sunset.

## Overview

Everything that matters about the building stands in this section of the note.

## Equipment

Goodput is a measure of the loans that readers bring back in time.

- **Lending desk**: the long counter where readers return what they have borrowed.

The workshop was equipped by Ada Brandt in 1987.

| Machine | Price | Place |
|---|---|---|
| Laser cutter | 2400 euros | cellar |
| Button press | 80 euros | yes |

The [[bakery|bakery next door]] gives bread to readers.
"""
BAKERY = """\
# Valley bakery

The bakery bakes rye bread before sunrise and sells it to the readers next door.

## 2021

Nothing much happened in this year of flour and water.
"""


def note(path, text):
    return parse_note(path, text, "0" * 64, Stamp(0, 0))


def generate(*texts, count=1000, seed=1, **named):
    notes = [note(f"note-{n}.md", text) for n, text in enumerate(texts)]
    notes += [note(f"{name}.md", text) for name, text in named.items()]
    return generate_questions(notes, count, seed=seed)


@pytest.fixture(scope="module")
def made():
    return generate(library=LIBRARY, bakery=BAKERY)


def of_kind(questions, kind):
    return [question for question in questions if question.kind == kind]


def the_one(questions, kind, words):
    """The question of this kind whose gold holds the words."""
    found = [q for q in of_kind(questions, kind) if words in q.gold[0].quote]
    assert len(found) == 1, [q.question for q in questions]
    return found[0]


def test_a_heading_with_its_title_asks_for_what_stands_first_below_it(made):
    question = the_one(made, "heading", "reading room opens early")
    assert set(query_terms("city library opening hours")) == set(query_terms(question.question))
    assert question.gold[0].note == "library.md"
    assert question.gold[0].quote == (
        "On weekdays the reading room opens early and closes after sunset."
    )


def test_a_defined_term_is_asked_for(made):
    question = the_one(made, "definition", "Goodput is a measure")
    assert "goodput" in question.question.lower()
    assert question.answer[0] in "measure of the loans that readers bring back in time"


def test_a_bold_term_of_an_item_is_asked_for(made):
    question = the_one(made, "definition", "Lending desk")
    assert "lending desk" in question.question.lower()
    assert question.gold[0].quote.startswith("- **Lending desk**:")


def test_a_cell_is_asked_for_by_its_column_and_row(made):
    question = the_one(made, "cell", "80 euros")
    assert {"button", "press", "price"} <= set(query_terms(question.question))
    assert question.gold[0].quote == "| Button press | 80 euros | yes |"
    assert question.answer == ("80 euros",)


def test_a_cell_that_says_only_yes_is_not_asked_for(made):
    assert "yes" not in [question.answer[0] for question in of_kind(made, "cell")]


def test_generic_headings_are_left_out(made):
    for words in ("Everything that matters", "Nothing much happened"):
        assert not [q for q in of_kind(made, "heading") if words in q.gold[0].quote]


@pytest.mark.parametrize("heading", ["Sources", "TODO", "See also", "Part 2", "2024-03-05", "总结"])
def test_a_heading_that_names_nothing_is_no_question(heading):
    text = f"# {heading}\n\nThe mill grinds rye and wheat for the whole valley.\n"
    assert of_kind(generate(text), "heading") == []


def test_the_same_notes_count_and_seed_give_the_same_questions(made):
    again = generate_questions(
        [note("bakery.md", BAKERY), note("library.md", LIBRARY)], 1000, seed=1
    )
    assert again == made


def test_another_seed_gives_other_questions(made):
    others = [generate(library=LIBRARY, bakery=BAKERY, seed=seed) for seed in range(2, 6)]
    assert any(other != made for other in others)


def test_kinds_get_equal_shares(made):
    some = generate(library=LIBRARY, bakery=BAKERY, count=3)
    assert sorted(q.kind for q in some) == ["cell", "definition", "heading"]
    assert [q.id for q in some] == [f"{q.kind}-0001" for q in some]


def test_notes_take_turns():
    many = "\n\n".join(
        f"## Mill number {name}\n\nThe mill {name} grinds rye for {name} village.\n"
        for name in ("alder", "birch", "cedar", "elder", "hazel", "maple", "rowan", "willow")
    )
    few = "# Pottery\n\n## Kiln firing\n\nThe kiln burns for three days without pause.\n"
    some = generate_questions([note("a.md", many), note("b.md", few)], 2, seed=3)
    assert Counter(q.gold[0].note for q in some) == {"a.md": 1, "b.md": 1}


def test_little_material_gives_fewer_questions():
    assert generate("A word.") == []
    assert generate_questions([], 10, seed=1) == []


@pytest.mark.parametrize("count", [0, -1])
def test_no_questions_are_made_where_none_are_wanted(count):
    assert generate(library=LIBRARY, count=count) == []


def test_a_term_that_two_notes_define_otherwise_is_left_out():
    one = "Goodput Rating is a measure of loans that come back in time."
    other = "Goodput Rating is the name of a band from the northern valley."
    assert of_kind(generate(one), "definition")
    assert of_kind(generate(one, other), "definition") == []


def test_a_sentence_that_stands_in_two_notes_is_gold_in_both():
    text = "Goodput Rating is a measure of loans that come back in time."
    [question] = of_kind(generate(text, text), "definition")
    assert [(gold.note, gold.part) for gold in question.gold] == [
        ("note-0.md", 1),
        ("note-1.md", 1),
    ]


def test_rows_whose_labels_differ_in_stop_words_alone_are_left_out():
    head = "## Loops\n\n| Loop kind | Early exit |\n|---|---|\n"
    table = f"{head}| loop on | good |\n| loop off | good |\n"
    assert of_kind(generate(f"{head}| loop on | good |\n"), "cell")
    assert of_kind(generate(table), "cell") == []


def test_places_that_say_the_same_are_gold_of_one_part():
    one = "Goodput Rating is a measure of loans that come back in time."
    other = "Goodput Rating is a measure of loans that come back in time, or early."
    [question] = of_kind(generate(one, other), "definition")
    assert [(gold.quote, gold.part) for gold in question.gold] == [(one, 1), (other, 1)]


def test_a_quote_that_stands_twice_in_its_note_is_left_out():
    sentence = "Goodput Rating is a measure of loans that come back in time."
    assert generate(f"{sentence}\n\n{sentence}\n") == []


def test_questions_that_are_the_same_but_for_their_form_are_asked_once(made):
    keys = [tuple(sorted(query_terms(question.question))) for question in made]
    assert len(set(keys)) == len(keys)


def test_a_chinese_heading_is_asked_for_as_it_is():
    text = "# 图书馆\n\n## 借书证的办理方法\n\n读者带上身份证到服务台，当天就可以办理借书证。\n"
    [question] = of_kind(generate(text), "heading")
    assert question.question == "借书证的办理方法"
    assert question.gold[0].quote == "读者带上身份证到服务台，当天就可以办理借书证。"


def test_a_note_whose_name_is_no_text_is_left_out():
    assert generate_questions([note("caf\udce9.md", LIBRARY)], 10, seed=1) == []


def test_one_enormous_title_costs_no_more_than_another():
    text = f"---\ntitle: x{'.' * 60_000}x\n---\n{LIBRARY}"
    assert of_kind(generate(text), "cell")


LINES = st.sampled_from(
    [
        *LIBRARY.splitlines(),
        *BAKERY.splitlines(),
        "> quoted words that say a little more than nothing",
        "```",
        "- [ ] a task that nobody has done for a long time",
        "| a | b |",
        "|---|---|",
        "1. **Rye**, or secale, is a grass that is grown for bread in 1912 (or 1913).",
        "水是一种没有颜色的液体，读者每天都要喝。",
        "[[library#Opening hours|hours of the library]] and [x](bakery.md) are as before.",
    ]
)
MARKDOWN = st.lists(st.one_of(LINES, st.text(max_size=40)), max_size=30).map("\n".join)


@trying(80)
@given(texts=st.lists(MARKDOWN, max_size=3), seed=st.integers(0, 3))
def test_whatever_the_notes_hold_each_question_can_be_scored(texts, seed):
    notes = {
        f"{name}.md": text for name, text in zip(("a", "bakery", "library"), texts, strict=False)
    }
    questions = generate_questions([note(*both) for both in notes.items()], 100, seed=seed)
    assert len({question.id for question in questions}) == len(questions)
    for question in questions:
        assert len(set(query_terms(question.question))) >= 2
        assert question.half == ""
        assert len(question.answer) == len(question.parts) == 1
        if question.kind == "cell":
            assert normalised(question.answer[0]) not in normalised(question.question).split()
            assert not answer_found([question.question], question.answer)
        for gold in question.gold:
            text = notes[gold.note]
            assert text.count(gold.quote) == 1
            assert answer_found([gold.quote], question.answer)
            assert any(
                block.start <= text.index(gold.quote)
                and text.index(gold.quote) + len(gold.quote) <= block.end
                for block in note(gold.note, text).blocks
            )


GERMAN = """\
# Stadtbibliothek

## Öffnungszeiten und Ausleihe

Die Bibliothek ist am Montag geschlossen und öffnet sonst um zehn Uhr morgens für alle Leser.

## Mahngebühren für Bücher

| Medium | Gebühr je Woche |
| --- | --- |
| Roman | zwei Euro im Monat |
"""


def test_no_english_words_are_put_around_those_of_another_language():
    asked = generate(GERMAN)
    assert asked
    english = {"what", "is", "are", "of", "in", "the", "meaning", "define", "does"}
    for question in asked:
        assert english.isdisjoint(question.question.casefold().strip("?").split())
