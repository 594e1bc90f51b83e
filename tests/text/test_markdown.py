"""Markdown to what a reader sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.text.markdown import TASK_STATES, plain_text
from ragqa.types import Kind


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("Use **LoRA** or *QLoRA* with `r=8`.", "Use LoRA or QLoRA with r=8."),
        ("See [the paper](https://a.b/c_(d)) and [[rag/pipeline|RAG]].", "See the paper and RAG."),
        ("See [[rag/pipeline]]. ![[image.png]]", "See rag/pipeline."),
        ("See ![[B#Sizes]] and ![[A]].", "See B > Sizes and A."),
        ("![[A|The rules]] hold, as in ![[B.md]]", "The rules hold, as in B.md"),
        ("The rules: ![[A]]", "The rules:"),
        ("They hold. ![[A]] ![[B]] ^rules", "They hold."),
        ("They hold:\n![[A]]\n![[B]]", "They hold:"),
        (
            "The plan ![[plan.png|100]] hangs there, ![[film.mp4#t=3]] too",
            "The plan hangs there, too",
        ),
        ("> ![[A]]", ""),
        (
            "See [[rag#Steps#Last]], [[rag#^abc]] and [[#^abc]].",
            "See rag > Steps > Last, rag and ^abc.",
        ),
        ("A fact about [[rag|it]]. ^a-fact", "A fact about it."),
        ("![a plot](plot_(1).png) It grows.", "It grows."),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("a line\nthat is wrapped", "a line that is wrapped"),
        ("> quoted\n> twice", "quoted twice"),
        ("the year was\n1962. It was warm.", "the year was 1962. It was warm."),
        ("<https://example.org/x>", "https://example.org/x"),
        ("todo [x] done", "todo [x] done"),
        ("call `__name__` or `**kwargs` of `[[x]]`", "call __name__ or **kwargs of [[x]]"),
        (r"5 \* 3 and a \[b\]", "5 * 3 and a [b]"),
        ("1.5 percent and -3 degrees", "1.5 percent and -3 degrees"),
        ("__init__ is a method", "init is a method"),
        ("> [!note] Water\n> I keep it wet.", "Water: I keep it wet."),
        ("> [!warning]- Is it dry?\n> Feed it.", "Warning: Is it dry? Feed it."),
        ("> [!danger]\n> Hot.", "Danger: Hot."),
        ("> [!tip]\n> Feed it.", "Feed it."),
        ("> [!tip] Feed it.", "Feed it."),
        ("It costs 2 €.[^1]", "It costs 2 €."),
        ("[^1]: At prices of 2024[^b].", "At prices of 2024."),
        ("call `x[^1]`", "call x[^1]"),
        ("SLO\n: A target.", "SLO: A target."),
        (
            "Phone:: 1234\nOpening hours: 8 to 17\nOwner:: [[Greta]]",
            "Phone: 1234; Opening hours: 8 to 17; Owner: Greta",
        ),
        ("call std::sort or a :: b", "call std::sort or a :: b"),
        ("run `%%x%%` and `<!-- y -->`", "run %%x%% and <!-- y -->"),
        ("the ~~old **red**~~ door", "the ~~old red~~ door"),
    ],
)
def test_marks_go_and_words_stay(markdown, plain):
    assert plain_text(markdown, kind=Kind.PARAGRAPH) == plain


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("- an item", "an item"),
        ("12. a numbered item", "a numbered item"),
        ("> - quoted", "quoted"),
        ("- born in\n  1962. He likes jazz.", "born in 1962. He likes jazz."),
        ("- [ ] a task", "(open) a task"),
        ("- [x] a task", "(done) a task"),
        ("1. [X] a task [x] of x", "(done) a task [x] of x"),
        ("- [/] a task", "(in progress) a task"),
        ("- [-] a task", "(cancelled) a task"),
        ("- due:: Monday", "due: Monday"),
    ],
)
def test_the_mark_of_an_item_goes_and_its_box_is_said_in_words(markdown, plain):
    assert plain_text(markdown, kind=Kind.ITEM) == plain


def test_a_nested_item_is_said_after_the_one_it_is_nested_in():
    assert plain_text("- dose: 5 mg", kind=Kind.ITEM, context="Anna") == "Anna: dose: 5 mg"
    nested = plain_text("- [ ] a bone", kind=Kind.ITEM, context="[x] Feed the dog")
    assert nested == "(done) Feed the dog: (open) a bone"


def test_a_table_row_becomes_pairs_of_header_and_cell():
    row = plain_text(
        "| Llama 3.x | Meta FAIR | **Text** | |",
        kind=Kind.ROW,
        labels=["Model family", "Lab", "Modality", "Notes"],
    )
    assert row == "Model family: Llama 3.x; Lab: Meta FAIR; Modality: Text"


@pytest.mark.parametrize(
    ("row", "labels", "plain"),
    [
        ("| a | b | c |", ["", "Two", "Three"], "a; Two: b; Three: c"),
        ("| a | b | c |", ["One", "", "Three"], "One: a; b; Three: c"),
        ("|| b | c |", ["One", "Two", "Three"], "Two: b; Three: c"),
        ("| a |", ["One", "Two"], "One: a"),
        ("a | b<br>c \\| d", ["One", "Two"], "One: a; Two: b c | d"),
    ],
)
def test_every_cell_stands_by_its_own_header(row, labels, plain):
    assert plain_text(row, kind=Kind.ROW, labels=labels) == plain


@pytest.mark.parametrize(
    ("row", "labels", "plain"),
    [
        ("| Jade | | 44 |", [], "Jade; \u2013; 44"),
        ("| Jade | | 44 |", ["Stone", "", ""], "Stone: Jade; \u2013; 44"),
        ("| Jade | | 44 |", ["", "Net", "Gross"], "Jade; Gross: 44"),
        ("| Jade | 31 | |", [], "Jade; 31"),
        ("| | | |", [], ""),
    ],
)
def test_an_empty_cell_keeps_its_place_where_no_label_tells_the_columns(row, labels, plain):
    assert plain_text(row, kind=Kind.ROW, labels=labels) == plain


def test_a_row_that_does_not_fit_its_header_is_its_cells():
    assert plain_text("| a | b |", kind=Kind.ROW, labels=["One"]) == "a; b"


def test_code_is_left_as_it_is():
    code = "```sh\npip install *\n```"
    assert plain_text(code, kind=Kind.CODE) == code


@given(st.text(max_size=80), st.sampled_from(sorted(Kind)))
def test_any_text_has_a_plain_form_that_adds_no_letters_but_those_of_a_box(text, kind):
    plain = plain_text(text, kind=kind)
    for state in TASK_STATES.values():
        plain = plain.removeprefix(f"({state})")
    assert sum(c.isalnum() for c in plain) <= sum(c.isalnum() for c in text)
