"""Choosing the sentences of an answer, ordering and citing them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering.candidates import candidates_of
from ragqa.answering.composing import (
    Lost,
    choose,
    cite,
    in_reading_order,
    mark_short_answer,
    why_not,
)
from ragqa.answering.reading import content_tokens
from ragqa.answering.scoring import Scored
from ragqa.types import Hit, Kind, Passage, TokenVectors, Unit

WORDS = ["red", "green", "blue", "amber", "violet", "teal", "ochre", "ivory"]


def passage(number, sentences, path=None, kind=Kind.PARAGRAPH):
    text, units = "", []
    for sentence in sentences:
        units.append(Unit(kind, 100 + len(text), 100 + len(text) + len(sentence)))
        text += sentence + "\n"
    text = text.rstrip("\n")
    return Passage(
        id=number,
        embedding_key=number,
        path=path or f"{number}.md",
        title=f"Note {number}",
        start=100,
        end=100 + len(text),
        lines=(10, 10 + text.count("\n")),
        heading=(f"Note {number}", "Part"),
        text=text,
        units=tuple(units),
        note_sha256="0" * 64,
    )


def hits(*passages):
    return [Hit(p, score=1 - i / 10, dense=0.5, terms=1.0) for i, p in enumerate(passages)]


def test_headings_and_lines_that_announce_something_are_no_candidates():
    units = passage(1, ["These are the colours:", "Red is warm."])
    heading = passage(2, ["Colours of the house"], kind=Kind.HEADING)
    heading = replace(heading, title="Colours of the house")
    assert [c.text for c in candidates_of(hits(units, heading))] == ["Red is warm."]


def test_a_list_of_references_is_no_answer_unless_there_is_nothing_else():
    paper = replace(passage(1, ["Red et al., On colour, 1999."]), heading=("Colours", "Sources"))
    plain = passage(2, ["Red is a warm colour."])
    assert [c.text for c in candidates_of(hits(paper, plain))] == ["Red is a warm colour."]
    assert len(candidates_of(hits(paper))) == 1


def scored(candidates, scores):
    return [
        Scored(candidate, score, {}, {}, np.zeros(0))
        for candidate, score in zip(candidates, scores, strict=True)
    ]


def list_of_phases():
    whole = passage(
        1,
        [
            "There are two phases:",
            "- Pretraining \u2014 the model reads a very large corpus of text and code.",
            "- Alignment \u2014 the model learns what people prefer, from their judgements.",
            "Then it is used.",
        ],
    )
    kinds = [Kind.PARAGRAPH, Kind.ITEM, Kind.ITEM, Kind.PARAGRAPH]
    units = [replace(unit, kind=kind) for unit, kind in zip(whole.units, kinds, strict=True)]
    return replace(whole, units=tuple(units))


def test_a_line_that_announces_a_list_is_a_candidate_with_its_items():
    first, *rest = candidates_of(hits(list_of_phases()))
    assert first.text == "There are two phases: Pretraining; Alignment"
    assert first.quote.endswith("from their judgements.")
    assert first.quote in list_of_phases().text
    assert len(rest) == 3


def test_a_list_and_its_items_are_not_both_said():
    candidates = candidates_of(hits(list_of_phases()))
    chosen = choose(scored(candidates, [1.0, 0.95, 0.9, 0.1]), sentences=3)
    assert [one.candidate.unit.kind for one in chosen] == [Kind.LIST]


def test_the_best_sentence_is_always_said_and_weak_ones_are_not():
    candidates = candidates_of(hits(passage(1, ["Red is warm.", "Blue is cold.", "Hm, well."])))
    chosen = choose(scored(candidates, [0.5, 1.0, 0.4]), sentences=3)
    assert [one.candidate.text for one in chosen] == ["Blue is cold."]


def test_a_near_duplicate_is_said_once():
    one, other = passage(1, ["Red is a warm colour."]), passage(2, ["Red is a warm colour!"])
    chosen = choose(scored(candidates_of(hits(one, other)), [0.9, 1.0]), sentences=3)
    assert len(chosen) == 1


def test_equal_scores_keep_the_order_of_the_ranking():
    candidates = candidates_of(hits(passage(1, ["Red is warm."]), passage(2, ["Blue is cold."])))
    chosen = choose(scored(candidates, [1.0, 1.0]), sentences=1)
    assert chosen[0].candidate.text == "Red is warm."


@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=3, max_size=6), min_size=1, max_size=8),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_an_answer_has_one_to_n_sentences_each_cited_exactly(sentences, most, random):
    texts = [" ".join(words) + "." for words in sentences]
    whole = passage(1, texts)
    candidates = candidates_of(hits(whole))
    scores = [random.random() for _ in candidates]
    chosen = in_reading_order(choose(scored(candidates, scores), sentences=most))
    text, citations = cite(chosen)
    assert 1 <= len(citations) <= most
    assert [c.n for c in citations] == list(range(1, len(citations) + 1))
    assert [c.chars for c in citations] == sorted(c.chars for c in citations)
    for citation in citations:
        start, end = citation.chars
        assert whole.text[start - whole.start : end - whole.start] == citation.quote
        before = whole.text.count("\n", 0, start - whole.start)
        assert citation.lines == (10 + before, 10 + before)
        assert f"[{citation.n}]" in text


def test_the_note_with_the_best_sentence_comes_first():
    candidates = candidates_of(hits(passage(1, ["Red is warm."]), passage(2, ["Blue is cold."])))
    chosen = in_reading_order(choose(scored(candidates, [0.9, 1.0]), sentences=2))
    assert [one.candidate.hit.passage.path for one in chosen] == ["2.md", "1.md"]


def test_a_sentence_without_an_end_mark_gets_one_so_that_two_do_not_run_together():
    text, _ = cite(scored(candidates_of(hits(passage(1, ["Red is warm"]))), [1.0]))
    assert text == "Red is warm. [1]"


@pytest.mark.parametrize(
    ("question", "kept"),
    [("what is red", ["red"]), ("who are you", ["who", "are", "you"])],
)
def test_only_the_content_words_of_a_question_are_matched_unless_there_are_none(question, kept):
    words = question.split()
    spans, position = [], 0
    for word in words:
        spans.append((position, position + len(word)))
        position += len(word) + 1
    vectors = np.eye(len(words), dtype=np.float32)
    encoded = TokenVectors(vectors=vectors, spans=tuple(spans), pooled=vectors[0])
    assert [words[i] for i in content_tokens(question, encoded)] == kept


PIECES = st.sampled_from(
    [
        "in 2009",
        "**2009**",
        "1 May\n  2024",
        "Ann Low",
        "[Bob](x.md)",
        "by `Eva`",
        "5 files",
        "and",
        ",",
    ]
)


@given(
    st.sampled_from(["when was it", "who wrote it", "where is it", "how many files"]),
    st.lists(st.lists(PIECES).map(lambda p: " ".join(["so it was", *p])), min_size=1, max_size=3),
    st.sampled_from([Kind.PARAGRAPH, Kind.ITEM, Kind.ROW, Kind.CODE]),
)
def test_what_answers_directly_stands_in_the_quote_of_the_best_sentence(question, texts, kind):
    hit = passage(1, texts, kind=kind)
    note = "-" * hit.start + hit.text
    chosen = scored(candidates_of(hits(hit)), [1.0] * len(texts))
    _, plain = cite(chosen)
    marked = mark_short_answer(plain, question, chosen[0])
    assert [replace(citation, span=None) for citation in marked] == list(plain)
    for citation in marked:
        if citation.span is None:
            assert citation.short == ""
            continue
        start, end = citation.span
        assert citation.n == 1
        assert citation.chars[0] <= start < end <= citation.chars[1]
        assert note[start:end] == citation.short
        assert " ".join(citation.short.split()) in chosen[0].candidate.text


def test_a_title_in_italics_is_not_marked_as_who_did_it():
    chosen = scored(candidates_of(hits(passage(1, ["He wrote *The Long Walk* then."]))), [1.0])
    (citation,) = mark_short_answer(cite(chosen)[1], "who wrote it", chosen[0])
    assert citation.span is None


def test_a_short_answer_that_the_quote_has_in_marks_or_twice_is_not_marked():
    for text in ["It was **May** 2009 then.", "In [2009](2009.md) it was."]:
        chosen = scored(candidates_of(hits(passage(1, [text]))), [1.0])
        (citation,) = mark_short_answer(cite(chosen)[1], "when was it", chosen[0])
        assert citation.span is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(1, 3))
def test_what_is_not_chosen_has_a_reason_and_what_is_has_none(scores, most):
    sentences = [f"{WORDS[i % 8]} {WORDS[i % 5]} is colour {WORDS[i % 3]}." for i in range(12)]
    ranked = scored(candidates_of(hits(passage(1, sentences[: len(scores)]))), scores)
    chosen = choose(ranked, sentences=most)
    for one in ranked:
        lost = why_not(one, chosen)
        assert (lost is None) == any(one is other for other in chosen)
        if lost is Lost.WEAK:
            assert one.score < chosen[0].score
        if lost is Lost.FULL:
            assert len(chosen) == most


def chosen_of(*sentences):
    candidates = candidates_of(hits(*(passage(n, [one]) for n, one in enumerate(sentences))))
    return [one.candidate.text for one in choose(scored(candidates, [1.0, 0.9]), sentences=2)]


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
    assert chosen_of(*sentences) == list(sentences)


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
    assert chosen_of(*sentences) == list(sentences[:1])
