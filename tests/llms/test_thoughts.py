"""What a reasoning model thinks is no part of its answer, wherever the text is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llms.asking import Backend, ask

from ragqa.llms.limits import Thoughts

HARMONY = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>"
FORMS = ["<think>{}</think>", "<thinking>{}</thinking>", "[THINK]{}[/THINK]", HARMONY]
SAYS = "It is Paris [1]."


def answer(pieces):
    thoughts = Thoughts()
    given = [thoughts.leave_out(piece) for piece in pieces]
    return "".join([*given, thoughts.rest()]), thoughts.found


@st.composite
def cut(draw, text):
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[start:end] for start, end in pairwise([0, *places, len(text)])]


@pytest.mark.parametrize("form", FORMS)
def test_thoughts_before_an_answer_are_left_out(form):
    text = f"\n{form.format('Hm [2]. <b> </thin Lyon?')}\n\n{SAYS}"
    assert ask(Backend(lambda: iter([text]))) == ([SAYS], None)
    assert ask(Backend(lambda: iter(text)))[0] == list(SAYS)


@pytest.mark.parametrize(
    "text", [SAYS, f"{SAYS} <think>Hm.</think>", "<thin", " <", "<thinks>x</thinks>", "  a", ""]
)
def test_what_is_no_thought_before_an_answer_is_left_as_it_is(text):
    assert answer([text]) == answer(text) == (text, False)


@pytest.mark.parametrize(
    "thought", ["<think>", "<think>Hm.", " <think>Hm.</thin", "[THINK]a[/THINK]\n"]
)
def test_an_answer_that_is_thought_alone_is_a_failure_that_says_so(thought):
    pieces, failure = ask(Backend(lambda: iter(thought)))
    assert pieces == []
    assert "only thought" in failure.message
    assert "llm_answer_tokens" in failure.hint


PARTS = [
    *("<think>", "</think>", "<thinking>", "</thinking>", "[THINK]", "[/THINK]", "<", ">", "/"),
    *("<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "think", " ", "\n", "a"),
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=10).map("".join)


@given(st.data(), TEXTS)
def test_the_answer_is_the_same_wherever_the_text_is_cut(data, text):
    assert answer(data.draw(cut(text))) == answer([text])


@given(st.data(), st.sampled_from(FORMS), TEXTS, TEXTS.map(str.lstrip))
def test_no_thought_is_ever_in_the_answer(data, form, thought, said):
    before, after = form.split("{}")
    thought = thought.replace(after, "").replace(after[-2:], "")
    text, found = answer(data.draw(cut(before + thought + after + "|" + said)))
    assert (text, found) == ("|" + said, True)
