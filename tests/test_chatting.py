"""What was said in a chat, and the commands about it."""

from dataclasses import replace

import pytest
from support import make_answer

from ragqa.api.follow_ups import FollowUp
from ragqa.chatting import COMMANDS, KEPT, Chat, Command, Exchange, command_in, numbered
from ragqa.errors import UsageError


def chat_that_remembers(seen):
    def complete(question, turns):
        seen.append([turn.question for turn in turns])
        return FollowUp(question, f"{question} (completed)")

    return Chat(complete, lambda question: make_answer(question=question))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_that_begins_with_a_command_is_one(name):
    assert command_in(f" {name} a b \n") == Command(name, "a b")
    assert command_in(name) == Command(name)


@pytest.mark.parametrize("line", ["what is /why?", "/etc/passwd holds what?", "why"])
def test_other_lines_are_questions(line):
    assert command_in(line) is None


def test_an_unknown_command_is_told():
    with pytest.raises(UsageError, match="/sauces"):
        command_in("/sauces 2")


def test_a_question_is_completed_with_those_before_it_as_they_were_asked():
    seen = []
    chat = chat_that_remembers(seen)
    for question in ("what?", "why?"):
        chat.ask(chat.complete(question))
    assert seen == [[], ["what? (completed)"]]
    assert [one.asked for one in chat.exchanges] == ["what?", "why?"]
    assert chat.last.question == "why? (completed)"


def test_what_was_forgotten_is_not_leant_on():
    seen = []
    chat = chat_that_remembers(seen)
    chat.ask(chat.complete("what?"))
    chat.forget()
    chat.complete("why?")
    assert seen[-1] == []
    with pytest.raises(UsageError):
        _ = chat.last


def test_a_question_that_could_not_be_answered_is_not_remembered():
    def fail(question):
        raise UsageError("no")

    chat = Chat(lambda question, _: FollowUp(question, question), fail)
    with pytest.raises(UsageError):
        chat.ask(chat.complete("what?"))
    assert chat.exchanges == ()


def test_only_so_much_is_remembered():
    chat = chat_that_remembers([])
    for n in range(KEPT + 1):
        chat.ask(chat.complete(f"question {n}"))
    assert len(chat.exchanges) == KEPT
    assert chat.exchanges[0].asked == "question 1"


def test_sources_are_numbered_throughout_a_chat():
    first = make_answer(text="It is. [1] See [7] there.")
    none = replace(first, answered=False, citations=(), text="")
    second = make_answer(text="It was. [1]")
    told = [one.answer for one in numbered([Exchange("?", one) for one in (first, none, second)])]
    assert [one.text for one in told] == ["It is. [1] See [7] there.", "", "It was. [2]"]
    assert [[c.n for c in one.citations] for one in told] == [[1], [], [2]]
