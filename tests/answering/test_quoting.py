"""A small vault and the real model: what is found can be quoted, and what is hidden cannot."""

import pytest
from cases import each_of, rows
from support import write_notes

import ragqa
from ragqa.types import Verdict

VAULT = {row["name"]: row["text"] for row in rows("vault")}


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Ask the vault; all that an answer cites is held against the notes."""
    folder = tmp_path_factory.mktemp("vault")
    corpus = write_notes(folder / "notes", VAULT)
    with ragqa.open_index(corpus, index=folder / "index") as index:

        def asked(question):
            answer = index.ask(question)
            for citation in answer.citations:
                text = VAULT[citation.path]
                start, end = citation.chars
                assert text[start:end] == citation.quote
                assert citation.lines[0] == text.count("\n", 0, start) + 1
            return answer

        yield asked


@each_of("vault_quotes")
def test_what_answers_is_quoted_at_its_line(ask, question, quote, line):
    best = max(ask(question).citations, key=lambda citation: citation.score)
    ((start, end),) = best.answer_spans
    start, end = start - best.chars[0], end - best.chars[0]
    assert best.quote[start:end] == quote
    assert best.lines[0] + best.quote.count("\n", 0, start) == line


@each_of("vault_hidden")
def test_what_is_hidden_is_nowhere(ask, question, hidden):
    assert hidden not in repr(ask(question))


@each_of("vault_entities")
def test_an_entity_that_nothing_shown_speaks_of_is_named_and_no_other(ask, question, said, missing):
    answer = ask(question)
    assert said in answer.text
    assert answer.question == question
    assert (answer.verdict is Verdict.ANSWERED) is (missing is None)
    assert list(answer.no_note_has) == ([missing] if missing else [])
