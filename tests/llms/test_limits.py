"""The limits that hold for any backend, whoever wrote it."""

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llms.asking import MARKER, PROMPT, Backend, ask, everything_in
from support import HANGS_S

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms.limits import bounded
from ragqa.llms.servers import MAX_MESSAGE

HARMONY = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>"
FORMS = ["<think>{}</think>", "<thinking>{}</thinking>", "[THINK]{}[/THINK]", HARMONY]
SAYS = "It is Paris [1]."


@pytest.mark.parametrize("pieces", [[], [" ", "\n\t"]])
def test_an_answer_without_text_is_a_failure(pieces):
    _, failure = ask(Backend(lambda: iter(pieces)))
    assert failure.message == "odd:one gave no text"


def test_a_backend_that_hangs_is_left_at_the_deadline(clock):
    held = threading.Event()

    def pieces():
        yield "The "
        held.wait(HANGS_S)

    given = bounded(Backend(pieces), PROMPT, max_tokens=100, deadline_s=HANGS_S)
    assert next(given) == "The "
    clock.now += HANGS_S - 0.1
    with pytest.raises(BackendFailed, match="in time") as caught:
        next(given)
    held.set()
    assert "llm_deadline_s" in caught.value.hint


def test_nothing_is_given_after_the_deadline_though_it_is_there(clock):
    read = threading.Event()

    def pieces():
        yield from ["The ", "capital"]
        read.set()

    given = bounded(Backend(pieces), PROMPT, max_tokens=100, deadline_s=HANGS_S)
    assert next(given) == "The "
    assert read.wait(HANGS_S)
    clock.now += HANGS_S
    with pytest.raises(BackendFailed, match="in time"):
        next(given)


def test_an_answer_that_does_not_end_is_cut():
    given, failure = ask(Backend(lambda: iter(lambda: "on and on ", "")), max_tokens=10)
    assert "".join(given) == "on and on " * 12
    assert "120 characters" in failure.message
    assert "llm_answer_tokens" in failure.hint


@pytest.mark.parametrize(
    ("does", "says"),
    [
        (LookupError(f"no {MARKER}\n" * 100), r"odd:one failed: LookupError: no \*\*\* no"),
        (BackendFailed(f"no {MARKER}\n{'x' * 5000}", hint=MARKER), r"no \*\*\* xxx"),
        (UsageError("no luck"), "no luck"),
        (SystemExit(), "SystemExit"),
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
    assert failure.message.startswith(says.replace("\\", "")) or says in failure.message
    assert len(failure.message) <= MAX_MESSAGE + 1
    assert MARKER not in everything_in(failure)


def test_leaving_the_answer_closes_the_stream():
    closed, go_on = threading.Event(), threading.Event()

    def pieces():
        try:
            while True:
                yield "on "
                go_on.wait(HANGS_S)
        finally:
            closed.set()

    given = bounded(Backend(pieces), PROMPT, max_tokens=100, deadline_s=HANGS_S)
    next(given)
    given.close()
    go_on.set()
    assert closed.wait(HANGS_S)


# What a reasoning model thinks is no part of its answer, wherever the text is cut.


def answer(pieces):
    given, failure = ask(Backend(lambda: iter(pieces)))
    return "".join(given), failure


@st.composite
def cut(draw, text):
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[start:end] for start, end in pairwise([0, *places, len(text)])]


@pytest.mark.parametrize("form", FORMS)
def test_thoughts_before_an_answer_are_left_out(form):
    text = f"\n{form.format('Hm [2]. <b> </thin Lyon?')}\n\n{SAYS}"
    assert answer([text]) == answer(text) == (SAYS, None)


@pytest.mark.parametrize(
    "text", [SAYS, f"{SAYS} <think>Hm.</think>", "<thin", "<thinks>x</thinks>"]
)
def test_what_is_no_thought_before_an_answer_is_left_as_it_is(text):
    assert answer([text]) == answer(text) == (text.lstrip(), None)


@pytest.mark.parametrize("thought", ["<think>Hm.", "[THINK]a[/THINK]\n"])
def test_an_answer_that_is_thought_alone_is_a_failure_that_says_so(thought):
    text, failure = answer(thought)
    assert text == ""
    assert "only thought" in failure.message
    assert "llm_answer_tokens" in failure.hint


PARTS = [
    *("<think>", "</think>", "<thinking>", "</thinking>", "[THINK]", "[/THINK]", "<", ">", "/"),
    *("<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "think", " ", "\n", "a"),
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=10).map("".join)


@given(st.data(), st.sampled_from(FORMS), TEXTS, TEXTS.map(str.lstrip))
def test_no_thought_is_ever_in_the_answer(data, form, thought, said):
    before, after = form.split("{}")
    thought = thought.replace(after, "").replace(after[-2:], "")
    text, _ = answer(data.draw(cut(before + thought + after + "|" + said)))
    assert text == "|" + said
