"""The commands of a chat, and the sources of one that is saved."""

from dataclasses import replace

import pytest
from support import make_answer

from ragqa.follow_ups import COMMANDS, Exchange, command_in, numbered
from ragqa.types import Written, WrittenSentence


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_that_begins_with_a_command_is_one(name):
    assert command_in(f" {name} a b \n") == (name, "a b")
    assert command_in(name) == (name, "")


@pytest.mark.parametrize("line", ["what is /why?", "/etc/passwd holds what?", "why"])
def test_other_lines_are_questions(line):
    assert command_in(line) is None


def test_sources_are_numbered_throughout_a_chat():
    first = make_answer()
    none = replace(first, answered=False, citations=(), text="")
    sentences = (
        WrittenSentence("", ("As ", 1, " says, it is."), (1,)),
        WrittenSentence("", (), (1,)),
    )
    second = replace(first, written=Written("scripted:x", sentences))
    further = tuple(replace(first.citations[0], n=n) for n in (2, 3))
    first = replace(first, also=further)
    told = [one.answer for one in numbered([Exchange("?", one) for one in (first, none, second)])]
    said = [sentence.cited_text.strip() for sentence in told[2].written.sentences]
    assert said == ["As [4] says, it is.", "[4]"]
    assert [[c.n for c in (*one.citations, *one.also)] for one in told] == [[1, 2, 3], [], [4]]
