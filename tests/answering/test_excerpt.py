"""Which excerpts answer a question, and in what order they are read."""

import pytest
from excerpting import EMBEDDER, asked, composed, passages_of

from ragqa.answering import Answering, compose
from ragqa.answering.layout import Layout
from ragqa.types import Hit


def quotes(*given, **how):
    return [excerpt.whole.quote for excerpt in composed(*given, **how)]


FIGS = {
    "figs.md": "# Figs\n\nThe fig is red.\n\nIt ripens in August.\n\nBirds eat it.\n",
    "pears.md": "# Pears\n\nThe pear is green.\n\nIt ripens in October.\n",
}


def test_the_first_excerpt_is_around_the_best_sentence():
    (one,) = composed("when do figs ripen", FIGS, {"August": 1.0})
    assert (one.path, one.whole.quote) == ("figs.md", "It ripens in August.")
    assert one.best.text == "It ripens in August."
    assert FIGS["figs.md"][slice(*one.span)] == one.whole.quote


def test_a_row_comes_with_its_header_as_context():
    text = "# A\n\n| fruit | price |\n|---|---|\n| fig | 2 |\n| pear | 3 |\n"
    long = text + "| fruit of another kind | 4 |\n" * 20
    (one,) = composed("how much is a pear", {"a.md": long}, {"pear": 1.0})
    assert one.whole.quote == "| pear | 3 |"
    assert one.whole.unit.full_context == "fruit | price"
    assert one.whole.text == "fruit: pear; price: 3"


def test_without_the_rest_of_a_note_an_excerpt_ends_where_its_passage_does():
    text = "# A\n\nThese are they:\n\n" + "- one of very many items of a list\n" * 14
    passages = passages_of(text, window=80, target=40)
    assert len(passages) > 1
    hit = Hit(passages[0], score=1.0, dense=0.5, terms=1.0)
    question = "which items are very many of a list"
    read = asked(question, idf={"item": 1.0})

    def cited(**how):
        answering = Answering(excerpts=1, words=80, **how)
        (citation,) = compose(read, (hit,), EMBEDDER, answering).citations
        assert text[slice(*citation.chars)] == citation.quote
        return citation

    assert cited().chars[1] == passages[0].end
    whole = cited(open_note=lambda _: Layout.of(text, passages))
    assert whole.quote == text[text.index("These") :].strip()
    assert whole.lines == (3, 18)


LORA = {
    "lora.md": "# LoRA\n\nLoRA adds two matrices. They are small.\n\nIt is fast.\n",
    "notes.md": "# Notes\n\nWe use LoRA a lot, and we like it.\n",
}


def test_the_paragraph_that_defines_a_thing_is_shown_in_place_of_the_best_sentence():
    (one,) = composed("what is LoRA", LORA, {"a lot": 1.0, "matrices": 0.4})
    assert (one.path, one.whole.quote) == ("lora.md", "LoRA adds two matrices. They are small.")
    assert (one.best.text, one.best.score) == ("LoRA adds two matrices.", 0.4)


def test_a_best_sentence_that_defines_it_is_shown_itself():
    (one,) = composed("what is LoRA", LORA, {"a lot": 1.0}, holds=1.0)
    assert one.path == "notes.md"


@pytest.mark.parametrize("question", ["who made LoRA", "LoRA"])
def test_what_does_not_ask_for_a_definition_gets_none(question):
    (one,) = composed(question, LORA, {"a lot": 1.0})
    assert one.path == "notes.md"


def test_a_definition_may_stand_in_a_passage_that_was_not_found():
    code = "```\n" + "use(lora)\n" * 40 + "```\n"
    notes = LORA | {"lora.md": LORA["lora.md"] + f"\n## Code\n\n{code}"}
    (one,) = composed("what is LoRA", notes, {"a lot": 0.9}, hits=["use(lora)", "a lot"])
    assert one.whole.quote == "LoRA adds two matrices. They are small."
    assert one.best.score == 0.1
    assert one.best.hit.passage.path == "lora.md"


def test_of_two_notes_that_define_it_the_one_whose_passage_is_first_is_quoted():
    notes = {
        "a.md": "# LoRA\n\nLoRA is the first.\n\n## Use\n\n" + "More of it. " * 80,
        "b.md": "# LoRA\n\nLoRA is the second.\n",
    }
    hits = ["is the first", "is the second", "More"]
    assert quotes("what is LoRA", notes, {"More": 1.0}, hits=hits) == ["LoRA is the first."]


BOTH = {
    "fig.md": "# Fig\n\nThe fig grows fast.\n",
    "pear.md": "# Pear\n\nThe pear grows slowly.\n",
    "more.md": "# More\n\nFigs grow fast, they say.\n",
}


def test_both_sides_of_a_comparison_are_shown_in_the_order_asked():
    scores = {"pear": 1.0, "fig": 0.7, "Figs": 0.9}
    said = ["The fig grows fast.", "The pear grows slowly."]
    notes = {path: BOTH[path] for path in ("fig.md", "pear.md")}
    assert quotes("fig vs pear", notes, scores, excerpts=3) == said
    assert quotes("pear vs fig", notes, scores, excerpts=3) == said[::-1]


def test_a_further_excerpt_tells_of_words_that_the_others_do_not():
    scores = {"fig": 1.0, "Figs": 0.99, "pear": 0.85}
    question = "how do the fig and the pear grow"
    assert quotes(question, BOTH, scores, excerpts=3) == [
        "The fig grows fast.",
        "The pear grows slowly.",
    ]
    assert len(quotes(question, BOTH, scores, excerpts=1)) == 1
    assert len(quotes("how does the fig grow", BOTH, scores, excerpts=3)) == 1


@pytest.mark.parametrize(
    ("question", "score", "number"),
    [("fig vs pear", 0.65, 2), ("fig vs pear", 0.55, 1), ("how do fig and pear grow", 0.75, 1)],
)
def test_a_further_sentence_must_answer_nearly_as_well(question, score, number):
    scores = {"fig": 1.0, "pear": score}
    assert len(quotes(question, BOTH, scores, excerpts=3)) == number


def test_words_that_weigh_little_ask_for_no_further_excerpt():
    idf = {"fig": 5.0, "pear": 1.0, "grow": 1.0}
    scores = {"fig": 1.0, "pear": 0.95}
    assert len(quotes("how do fig and pear grow", BOTH, scores, excerpts=3, idf=idf)) == 1


PORTS = {
    "old.md": "---\ndate: 2023-01-01\n---\n\n# Port\n\nThe mailer listens on port 8025.\n",
    "new.md": "---\ndate: 2024-06-01\n---\n\n# Port\n\nThe mailer listens on port 9025.\n",
}


def test_the_newer_of_two_notes_that_contradict_each_other_is_quoted():
    scores = {"8025": 1.0, "9025": 0.9}
    asked = "which port does the mailer listen on"
    assert quotes(asked, PORTS, scores, excerpts=3) == ["The mailer listens on port 9025."]
    undated = PORTS | {"new.md": "# Port\n\nThe mailer listens on port 9025.\n"}
    assert quotes(asked, undated, scores, excerpts=3) == ["The mailer listens on port 8025."]
