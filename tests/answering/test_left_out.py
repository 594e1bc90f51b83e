"""Why a sentence is not in the answer."""

from dataclasses import replace

from excerpting import composed, passages_of

from ragqa.answering.sentences import candidates_of
from ragqa.explaining import Lost, why_lost
from ragqa.types import Hit


def scored(texts, scores):
    """The candidates of notes, in order, with their scores."""
    passages = [p for n, text in enumerate(texts) for p in passages_of(text, f"{n}.md")]
    found = candidates_of([Hit(p, score=1.0, dense=0.5, terms=1.0) for p in passages])
    return [replace(candidate, score=score) for candidate, score in zip(found, scores, strict=True)]


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
