"""Making a follow-up stand alone with an LLM."""

import threading

import pytest
from llms.asking import Backend
from support import HANGS_S

from ragqa.errors import BackendFailed
from ragqa.followups import MAX_CHARS, NotRewritten, Turn, rewritten, seconds_for
from ragqa.llms import Destination
from ragqa.llms.scripted import ScriptedLLM

TURNS = [Turn("what is LoRA?", (("Secret heading",),), ("Secret quote.",))]
ASKED = "who came up with it"


def said(reply, question=ASKED):
    return ask(ScriptedLLM([("", reply)]), question=question)


def ask(llm, *, question=ASKED, max_tokens=700, deadline_s=40):
    return rewritten(question, TURNS, llm, max_tokens=max_tokens, deadline_s=deadline_s)


def test_what_it_writes_is_asked():
    assert said("Who came up with LoRA?") == "Who came up with LoRA?"
    assert said('  "Who came up\x1b with LoRA?"\n') == "Who came up with LoRA?"


@pytest.mark.parametrize(
    "reply",
    [
        "?!",
        "Who came up\nwith LoRA?",
        "Who came up with LoRA? " * 20,
        "Edward Hu and colleagues at Microsoft published it in June 2021.",
    ],
)
def test_what_is_not_the_question_rewritten_is_refused(reply):
    with pytest.raises(NotRewritten):
        said(reply)


@pytest.mark.parametrize("replies", [[], [("", "")]])
def test_a_failure_is_another_thing(replies):
    with pytest.raises(BackendFailed):
        ask(ScriptedLLM(replies))


def test_what_it_thinks_before_has_the_room_of_an_answer():
    thoughts = f"<think>{'The user asks who. ' * 100}</think>"
    assert said(f"{thoughts}\nWho came up with LoRA?") == "Who came up with LoRA?"


def test_one_that_goes_on_and_on_is_not_heard_to_the_end():
    stopped = threading.Event()

    def pieces():
        try:
            while not stopped.is_set():
                yield "on and on "
        finally:
            stopped.set()

    with pytest.raises(NotRewritten, match="more than a question"):
        ask(Backend(pieces), max_tokens=100_000)
    assert stopped.wait(HANGS_S)


def test_it_has_a_quarter_of_the_time_for_a_question_and_twenty_seconds_at_most():
    assert [seconds_for(given) for given in (1, 40, 120, 3600)] == [0.25, 10, 20, 20]
    held = threading.Event()
    with pytest.raises(NotRewritten, match=r"not done within 0\.1 s"):
        ask(Backend(lambda: held.wait(HANGS_S)), deadline_s=0.4)
    held.set()


def test_the_longest_question_it_may_write_passes_and_one_letter_more_does_not():
    longest = "LoRA " * (MAX_CHARS // 5 - 1) + "LoRA?"
    assert len(longest) == MAX_CHARS
    assert said(longest) == longest
    with pytest.raises(NotRewritten):
        said(f"{longest}?")


class Recorder:
    """An LLM that keeps what it was given."""

    destination = Destination("recorder:")

    def stream(self, prompt, *, max_tokens):
        self.prompt, self.max_tokens = prompt, max_tokens
        yield ASKED


def test_only_questions_are_sent():
    llm = Recorder()
    ask(llm)
    assert llm.max_tokens == 700
    assert "what is LoRA?" in llm.prompt.message
    assert ASKED in llm.prompt.message
    assert "Secret" not in llm.prompt.instructions + llm.prompt.message
