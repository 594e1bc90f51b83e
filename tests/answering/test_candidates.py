"""Which units of a passage may answer by themselves."""

import pytest
from cases import each_of
from excerpting import passages_of

from ragqa.answering import Evidence
from ragqa.answering.candidates import candidates_of, context_of, nearest_unit, sources_of
from ragqa.text.words import query_terms
from ragqa.types import Hit


def candidates(*texts, question=None):
    passages = [p for n, text in enumerate(texts) for p in passages_of(text, f"{n}.md")]
    hits = [Hit(p, score=1.0, dense=0.5, terms=1.0) for p in passages]
    return candidates_of(
        hits, Evidence.of_passages(hits), asked=None if question is None else query_terms(question)
    )


@each_of("candidates")
def test_what_may_answer_by_itself_is_a_candidate_and_a_key_of_the_front_matter_if_it_is_named(
    notes, question, texts
):
    assert [one.text for one in candidates(*notes, question=question)] == texts


PHASES = (
    "# Training\n\nThere are two phases:\n\n"
    "- Pretraining \u2014 the model reads a very large corpus of text and code.\n"
    "- Alignment \u2014 the model learns what people prefer, from their judgements.\n\n"
    "Then it is used.\n"
)


def test_a_line_that_announces_a_list_is_a_candidate_with_its_items():
    first, *rest = candidates(PHASES)
    assert first.is_list
    assert first.text == "There are two phases: Pretraining; Alignment"
    assert first.quote.endswith("from their judgements.")
    assert first.quote in PHASES
    assert len(rest) == 3
    assert [first.overlaps(one) for one in rest] == [True, True, False]


SOURCES = (
    "# Colours\n\n## Sources\n\n"
    '- Ann Red, "On colour", 1999. https://example.org/colour\n'
    "- A dictionary, third edition. https://example.org/words\n"
    "- https://example.org/blue\n"
    "- The paint in tin 2 is red.\n"
)
LINKS = (
    "# Links\n\n- The kettle is red. https://example.org/kettle\n"
    "- [Blue](https://example.org/blue)\n- Green is warm.\n- Grey is not.\n- Pink is.\n"
)


def test_items_that_name_what_to_read_refer_and_a_title_with_a_link_if_most_of_its_passage_does():
    refers = [(one.text.split()[0], one.refers) for one in candidates(SOURCES, LINKS)]
    assert refers == [
        *[("Ann", True), ("A", True), ("https://example.org/blue", True), ("The", False)],
        *[("The", False), ("Blue", True), ("Green", False), ("Grey", False)],
        ("Pink", False),
    ]


@each_of("references")
def test_a_citation_or_a_link_alone_refers_and_a_text_of_its_own_does_not(text, refers):
    note = f"# Lakes\n\nThey are deep.\n\nThey are cold.\n\nThey are old.\n\n{text}\n"
    assert candidates(note)[3].refers is refers


def test_a_list_of_references_is_read_after_some_passages_that_are_found_below_it():
    notes = [SOURCES, *(f"# Note {n}\n\nRed is the {n}. of the colours.\n" for n in range(1, 9))]
    hits = [Hit(p, 1.0, 0.5, 1.0) for n, t in enumerate(notes) for p in passages_of(t, f"{n}.md")]
    assert [hit.passage.path[0] for hit in sources_of(hits)] == ["1", "2", "3", "4", "0"]
    assert [hit.passage.path[0] for hit in sources_of(hits[:1])] == ["0"]


def test_of_a_passage_the_line_with_the_most_words_of_a_question_is_nearest_to_it():
    text = "# Tea\n\nWhite tea is mild.\n\nGreen **tea** is brewed\nat 80 degrees.\n"
    (passage,) = passages_of(text)
    assert nearest_unit(passage, "how is tea brewed?") == "Green tea is brewed at 80 degrees."


SENTENCES = "This sentence says a little more of it than the last one. " * 30
CODE = "call(argument) now\n" * 60


@pytest.mark.parametrize(
    ("text", "context"),
    [
        (f"- Storks\n  - {SENTENCES}\n", "Storks\n\u2026"),
        (f"- {SENTENCES}\n", "\u2026"),
        (f"| A | B |\n|---|---|\n| x | {SENTENCES} |\n", "B\n\u2026"),
        (f"```\n{CODE}```\n", "\u2026"),
        (SENTENCES, ""),
    ],
)
def test_a_passage_says_if_it_begins_within_an_item_a_row_or_code(text, context):
    first, *others = passages_of(text, window=70, target=40)
    assert context_of(first) == ""
    assert context_of(others[-1]) == context
