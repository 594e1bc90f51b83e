"""The limits that hold for any backend, whoever wrote it."""

import signal
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llms.asking import MARKER, PROMPT, Backend, ask, everything_in
from support import HANGS_S

from ragqa.errors import BackendFailed, IndexUnusable, NotAllowed, UsageError
from ragqa.llms.faults import MAX_MESSAGE
from ragqa.llms.limits import bounded


def test_the_pieces_come_through_as_they_are():
    assert ask(Backend(lambda: iter(["a", "", " b"]))) == (["a", " b"], None)


@pytest.mark.parametrize("pieces", [[], [""], [" ", "\n\t"]])
def test_an_answer_without_text_is_a_failure(pieces):
    _, failure = ask(Backend(lambda: iter(pieces)))
    assert failure.message == "odd:one gave no text"


def test_a_backend_that_hangs_is_left_at_the_deadline(clock):
    held = threading.Event()

    def pieces():
        yield "The "
        held.wait(HANGS_S)

    given = bounded(Backend(pieces), PROMPT, max_tokens=5, deadline_s=HANGS_S, max_chars=1000)
    assert next(given) == "The "
    clock.now += HANGS_S - 0.1
    with pytest.raises(BackendFailed, match="in time") as caught:
        next(given)
    held.set()
    assert "llm_deadline_s" in caught.value.hint


def test_a_backend_that_hangs_before_it_gives_a_stream_is_left_too():
    held = threading.Event()
    _, failure = ask(Backend(lambda: held.wait(HANGS_S)), deadline_s=0.1)
    held.set()
    assert "in time" in failure.message


def test_nothing_is_given_after_the_deadline_though_it_is_there(clock):
    read = threading.Event()

    def pieces():
        yield from ["The ", "capital"]
        read.set()

    given = bounded(Backend(pieces), PROMPT, max_tokens=5, deadline_s=HANGS_S, max_chars=1000)
    assert next(given) == "The "
    assert read.wait(HANGS_S)
    clock.now += HANGS_S
    with pytest.raises(BackendFailed, match="in time"):
        next(given)


def test_an_answer_that_does_not_end_is_cut():
    given, failure = ask(Backend(lambda: iter(lambda: "on and on ", "")), max_chars=100)
    assert "".join(given) == "on and on " * 10
    assert "100 characters" in failure.message
    assert "llm_answer_tokens" in failure.hint


@pytest.mark.parametrize("wrong", [MARKER, 7, None, b"bytes", ["list"]])
def test_whatever_a_backend_raises_or_gives_is_one_kind_of_failure(monkeypatch, wrong):
    monkeypatch.setenv("SOME_API_KEY", MARKER)

    def pieces():
        if wrong == MARKER:
            raise LookupError(f"no {MARKER}\n" * 100)
        yield wrong

    _, failure = ask(Backend(pieces))
    assert isinstance(failure, BackendFailed)
    assert failure.message.startswith("odd:one failed: ")
    assert len(failure.message) <= MAX_MESSAGE + 1
    assert MARKER not in everything_in(failure)


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, RecursionError, MemoryError])
def test_a_backend_cannot_end_the_program(raised):
    def pieces():
        raise raised
        yield

    assert raised.__name__ in ask(Backend(pieces))[1].message


def test_a_failure_that_cannot_be_told_is_one_all_the_same():
    class Mute(Exception):
        def __str__(self):
            raise LookupError

    def pieces():
        raise Mute
        yield

    assert "Mute" in ask(Backend(pieces))[1].message


@pytest.mark.parametrize("raised", [UsageError, NotAllowed, IndexUnusable])
def test_any_error_of_a_backend_is_one_of_the_backend(raised):
    def pieces():
        raise raised("no luck")
        yield

    _, failure = ask(Backend(pieces))
    assert type(failure) is BackendFailed
    assert failure.message.endswith("no luck")


def test_what_a_backend_says_of_its_failure_is_bounded_and_holds_no_key(monkeypatch):
    def pieces():
        told = f"no {MARKER}\n{'x' * 5000}"
        raise BackendFailed(told, hint=f"curl -H {MARKER}\n{told}") from LookupError(MARKER)
        yield

    monkeypatch.setenv("SOME_TOKEN", MARKER)
    _, failure = ask(Backend(pieces))
    assert failure.message.startswith("no *** xxx")
    assert failure.hint.startswith("curl -H *** no *** xxx")
    assert max(len(failure.message), len(failure.hint)) <= MAX_MESSAGE + 1
    assert MARKER not in everything_in(failure)


class Bare(BackendFailed):
    """One whose class leaves out what ragqa's have."""

    def __init__(self):
        Exception.__init__(self, "no luck")


@pytest.mark.parametrize("failure", [Bare(), BackendFailed(LookupError("no luck"))])
def test_a_failure_of_an_odd_make_is_told_all_the_same(failure):
    def pieces():
        raise failure
        yield

    assert "no luck" in ask(Backend(pieces))[1].message


@pytest.mark.parametrize("raised", [None, KeyboardInterrupt])
def test_leaving_the_answer_closes_the_stream(raised):
    closed, go_on = threading.Event(), threading.Event()

    def pieces():
        try:
            while True:
                yield "on "
                go_on.wait(HANGS_S)
        finally:
            closed.set()

    given = bounded(Backend(pieces), PROMPT, max_tokens=5, deadline_s=HANGS_S, max_chars=1000)
    next(given)
    if raised is None:
        given.close()
    else:
        with pytest.raises(raised):
            given.throw(raised)
    go_on.set()
    assert closed.wait(HANGS_S)


def test_an_interrupt_ends_the_wait_for_a_backend():
    held, main = threading.Event(), threading.main_thread().ident

    def pieces():
        signal.pthread_kill(main, signal.SIGINT)
        held.wait(HANGS_S)
        yield "too late"

    with pytest.raises(KeyboardInterrupt):
        ask(Backend(pieces))
    held.set()


@given(st.lists(st.text(st.characters(), max_size=5), max_size=5))
def test_every_piece_can_be_encoded(pieces):
    given, failure = ask(Backend(lambda: iter(pieces)))
    "".join(given).encode()
    assert (failure is None) == bool("".join(pieces).strip())
