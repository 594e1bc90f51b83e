"""Making a follow-up stand alone with an LLM."""

import pytest

from ragqa.errors import BackendFailed
from ragqa.followups import NotRewritten, Turn, rewritten
from ragqa.followups.rewriting import MAX_CHARS
from ragqa.llms import Destination
from ragqa.llms.scripted import ScriptedLLM

TURNS = [Turn("what is LoRA?", (("Secret heading",),), ("Secret quote.",))]
ASKED = "who came up with it"


def said(reply, question=ASKED):
    return rewritten(question, TURNS, ScriptedLLM([("", reply)]), deadline_s=10)


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
        rewritten(ASKED, TURNS, ScriptedLLM(replies), deadline_s=10)


def test_the_longest_question_it_may_write_passes_and_one_letter_more_does_not():
    longest = "LoRA " * (MAX_CHARS // 5 - 1) + "LoRA?"
    assert len(longest) == MAX_CHARS
    assert said(longest) == longest
    with pytest.raises(NotRewritten):
        said(f"{longest}?")


class Recorder:
    """An LLM that keeps what it was given."""

    destination = Destination("recorder:")

    def stream(self, prompt, **_):
        self.prompt = prompt
        yield ASKED


def test_only_questions_are_sent():
    llm = Recorder()
    rewritten(ASKED, TURNS, llm, deadline_s=10)
    assert "what is LoRA?" in llm.prompt.message
    assert ASKED in llm.prompt.message
    assert "Secret" not in llm.prompt.instructions + llm.prompt.message
