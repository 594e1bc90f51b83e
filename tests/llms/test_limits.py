"""The limits that hold for any backend, whoever wrote it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llms.asking import MARKER, PROMPT, Backend, ask, everything_in

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms import bounded
from ragqa.llms.servers import MAX_MESSAGE

SAYS = "It is Paris [1]."


def answer(pieces):
    return ask(Backend(lambda: iter(pieces)))


@pytest.mark.parametrize("pieces", [[], [" ", "\n\t"], "<think>Hm.", "<think>a</think>\n"])
def test_an_answer_without_text_is_a_failure(pieces):
    text, failure = answer(pieces)
    assert text == ""
    assert failure.message == "odd:one gave no text"
    assert "llm_answer_tokens" in failure.hint


def test_nothing_is_given_after_the_deadline_though_it_is_there(clock):
    given = bounded(Backend(lambda: iter(["a", "b", "c"])), PROMPT, max_tokens=9, deadline_s=60)
    assert next(given) == "a"
    clock.now += 59
    assert next(given) == "b"
    clock.now += 1
    with pytest.raises(BackendFailed, match="in time") as caught:
        next(given)
    assert "llm_deadline_s" in caught.value.hint


def test_an_answer_that_does_not_end_is_cut():
    given, failure = ask(Backend(lambda: iter(lambda: "on and on ", "")), max_tokens=10)
    assert given == "on and on " * 12
    assert "120 characters" in failure.message
    assert "llm_answer_tokens" in failure.hint


@pytest.mark.parametrize(
    ("does", "says"),
    [
        (LookupError(f"no {MARKER}\n" * 100), "odd:one failed: LookupError: no *** no"),
        (BackendFailed(f"no {MARKER}\n{'x' * 5000}", hint=MARKER), "no *** xxx"),
        (UsageError("no luck"), "odd:one failed: UsageError: no luck"),
        (b"bytes", "odd:one failed: TypeError"),
    ],
)
def test_whatever_a_backend_raises_or_gives_is_one_failure_without_keys(monkeypatch, does, says):
    def pieces():
        if isinstance(does, BaseException):
            raise does from LookupError(MARKER)
        yield does

    monkeypatch.setenv("SOME_API_KEY", MARKER)
    _, failure = ask(Backend(pieces))
    assert type(failure) is BackendFailed
    assert failure.message.startswith(says)
    assert len(failure.message) <= MAX_MESSAGE + 1
    assert MARKER not in everything_in(failure)


# What a reasoning model thinks is no part of its answer, wherever the text is cut.


@st.composite
def cut(draw, text):
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[start:end] for start, end in pairwise([0, *places, len(text)])]


@pytest.mark.parametrize(
    "text", [SAYS, f"{SAYS} <think>Hm.</think>", "<thin", "<thinks>x</thinks>"]
)
def test_what_is_no_thought_before_an_answer_is_left_as_it_is(text):
    assert answer([text]) == answer(text) == (text.lstrip(), None)


PARTS = ["<think>", "</think>", "[THINK]", "<", ">", "/", "think", " ", "\n", "a"]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=10).map("".join)


@given(st.data(), TEXTS, TEXTS)
def test_no_thought_is_ever_in_the_answer(data, thought, said):
    thought = thought.replace("</think>", "").replace("k>", "")
    text, _ = answer(data.draw(cut(f"\n<think>{thought}</think>|{said}")))
    assert text == "|" + said
