"""What was said in a chat, and the commands about it."""

from dataclasses import replace

import pytest
from support import make_answer

from ragqa.chatting import COMMANDS, KEPT, Chat, Command, Exchange, command_in, numbered
from ragqa.errors import UsageError


def chat_that_remembers(seen):
    def complete(question, turns):
        seen.append([turn.question for turn in turns])
        return f"{question} (completed)"

    return Chat(complete, lambda question, _: make_answer(question=question))


def as_it_is(question, _):
    return question


def unseen(_):
    """Nobody looks at how the question is asked."""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_that_begins_with_a_command_is_one(name):
    assert command_in(f" {name} a b \n") == Command(name, "a b")
    assert command_in(name) == Command(name)


@pytest.mark.parametrize("line", ["what is /why?", "/etc/passwd holds what?", "why"])
def test_other_lines_are_questions(line):
    assert command_in(line) is None


def test_a_question_is_completed_with_those_before_it_as_they_were_asked():
    seen, shown = [], []
    chat = chat_that_remembers(seen)
    for question in ("what?", " why? "):
        chat.ask(question, shown.append)
    assert shown == ["what? (completed)", "why? (completed)"]
    assert seen == [[], ["what? (completed)"]]
    assert [one.asked for one in chat.exchanges] == ["what?", "why?"]
    assert chat.last.question == "why? (completed)"


def test_a_question_that_could_not_be_answered_is_not_remembered():
    def fail(*_):
        raise UsageError("no")

    chat = Chat(as_it_is, fail)
    with pytest.raises(UsageError):
        chat.ask("what?", unseen)
    assert chat.exchanges == ()


def test_of_a_question_that_was_stopped_the_answer_that_was_there_is_kept():
    own = make_answer(question="what?")

    def stop(_, keep):
        keep(own)
        raise KeyboardInterrupt

    chat = Chat(as_it_is, stop)
    with pytest.raises(KeyboardInterrupt):
        chat.ask("what?", unseen)
    assert chat.exchanges == (Exchange("what?", own),)


def test_only_so_much_is_remembered():
    chat = chat_that_remembers([])
    for n in range(KEPT + 1):
        chat.ask(f"question {n}", unseen)
    assert len(chat.exchanges) == KEPT
    assert chat.exchanges[0].asked == "question 1"


def test_sources_are_numbered_throughout_a_chat():
    first = make_answer(text="It is. [1] See [7] there.")
    none = replace(first, answered=False, citations=(), text="")
    second = make_answer(text="It was. [1]")
    further = tuple(replace(first.citations[0], n=n) for n in (2, 3))
    first = replace(first, also=further)
    told = [one.answer for one in numbered([Exchange("?", one) for one in (first, none, second)])]
    assert [one.text for one in told] == ["It is. [1] See [7] there.", "", "It was. [4]"]
    assert [[c.n for c in (*one.citations, *one.also)] for one in told] == [[1, 2, 3], [], [4]]
