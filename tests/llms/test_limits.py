"""The limits that hold for any backend, whoever wrote it."""

import signal
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llms.asking import MARKER, PROMPT, Backend, ask, everything_in

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms.limits import bounded


def test_the_pieces_come_through_as_they_are():
    assert ask(Backend(lambda: iter(["a", "", " b"]))) == (["a", " b"], None)


@pytest.mark.parametrize("pieces", [[], [""], [" ", "\n\t"]])
def test_an_answer_without_text_is_a_failure(pieces):
    _, failure = ask(Backend(lambda: iter(pieces)))
    assert failure.message == "odd:one gave no text"


def test_a_backend_that_hangs_is_left_at_the_deadline():
    held = threading.Event()

    def pieces():
        yield "The "
        held.wait(20)

    given, failure = ask(Backend(pieces), deadline_s=0.1)
    held.set()
    assert given == ["The "]
    assert "in time" in failure.message
    assert "llm_deadline_s" in failure.hint


def test_a_backend_that_hangs_before_it_gives_a_stream_is_left_too():
    held = threading.Event()
    _, failure = ask(Backend(lambda: held.wait(20)), deadline_s=0.1)
    held.set()
    assert "in time" in failure.message


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
    assert len(failure.message) < 250
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


def test_a_failure_of_the_system_is_told_in_its_words_without_its_number():
    def pieces():
        open("/nonexistent")  # noqa: SIM115, PTH123 - it does not open
        yield

    _, failure = ask(Backend(pieces))
    assert failure.message.endswith("FileNotFoundError: No such file or directory: /nonexistent")


def test_an_error_on_purpose_stays_what_it_is(monkeypatch):
    def pieces():
        raise UsageError(f"no {MARKER}", hint="pull it") from LookupError(MARKER)
        yield

    monkeypatch.setenv("SOME_TOKEN", MARKER)
    _, failure = ask(Backend(pieces))
    assert (type(failure), failure.hint) == (UsageError, "pull it")
    assert MARKER not in everything_in(failure)


@pytest.mark.parametrize("raised", [None, KeyboardInterrupt])
def test_leaving_the_answer_closes_the_stream(raised):
    closed, go_on = threading.Event(), threading.Event()

    def pieces():
        try:
            while True:
                yield "on "
                go_on.wait(20)
        finally:
            closed.set()

    given = bounded(Backend(pieces), PROMPT, max_tokens=5, deadline_s=20, max_chars=1000)
    next(given)
    if raised is None:
        given.close()
    else:
        with pytest.raises(raised):
            given.throw(raised)
    go_on.set()
    assert closed.wait(10)


def test_an_interrupt_ends_the_wait_for_a_backend():
    held, main = threading.Event(), threading.main_thread().ident

    def pieces():
        signal.pthread_kill(main, signal.SIGINT)
        held.wait(20)
        yield "too late"

    with pytest.raises(KeyboardInterrupt):
        ask(Backend(pieces))
    held.set()


def test_leaving_the_answer_cancels_what_can_be_cancelled():
    class Stream:
        cancelled = threading.Event()
        first = True

        def __iter__(self):
            return self

        def __next__(self):
            if self.first:
                self.first = False
                return "The "
            self.cancelled.wait(20)
            raise StopIteration

        def cancel(self):
            self.cancelled.set()

    given = bounded(Backend(Stream), PROMPT, max_tokens=5, deadline_s=20, max_chars=1000)
    next(given)
    given.close()
    assert Stream.cancelled.is_set()


@settings(deadline=None)
@given(st.lists(st.text(st.characters(), max_size=5), max_size=5))
def test_every_piece_can_be_encoded(pieces):
    given, failure = ask(Backend(lambda: iter(pieces)))
    "".join(given).encode()
    assert (failure is None) == bool("".join(pieces).strip())
