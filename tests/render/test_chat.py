"""What a chat shows of an answer's sources."""

from dataclasses import replace
from pathlib import Path

import pytest
from citing import cited
from support import make_answer

from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.passages.split import split_note
from ragqa.render import Linker
from ragqa.render.chat import print_source
from ragqa.types import Corpus, Hit, Stamp

NOTE = "# Bread\n\n" + "\n\n".join(f"Sentence {n} is about bread and flour." for n in range(1, 13))


@pytest.fixture
def shown(capsys):
    """What is shown of a source whose quote is this part of the note, given passages near it."""

    def show(quote, passages):
        citation = cited(NOTE, quote)
        hits = tuple(Hit(passage, 1.0, None, None) for passage in passages)
        answer = replace(make_answer(), citations=(citation,), hits=hits)
        print_source(answer, 1, Linker(Corpus.of(Path("/notes")), "file://{path}"))
        return capsys.readouterr().out.replace("   ", "")

    return show


@pytest.fixture(scope="module")
def passages():
    """The note in at least three passages."""
    note = parse_note("note.md", NOTE, "0" * 64, Stamp(len(NOTE), 0))
    found = split_note(note, chunking=Chunking(target_tokens=30), window=256, count_tokens=words)
    assert len(found) > 2
    return found


def words(texts):
    return [2 + len(text.split()) for text in texts]


def quote_of(first, last):
    """Sentences of the note, from one up to the other."""
    start, end = NOTE.index(f"Sentence {first} "), NOTE.index(f"Sentence {last} ")
    return NOTE[start : NOTE.index("flour.", end) + len("flour.")]


def test_a_source_is_shown_in_its_passage(shown, passages):
    (own,) = (one for one in passages if "Sentence 6 " in one.text)
    assert own.text != quote_of(6, 6)
    assert shown(quote_of(6, 6), passages).endswith(f"\n{own.text}\n")


def test_a_source_that_is_longer_than_a_passage_is_shown_in_all_that_it_touches(shown, passages):
    first, last = (next(one for one in passages if f"Sentence {n} " in one.text) for n in (2, 11))
    assert first is not last
    assert shown(quote_of(2, 11), passages).endswith(f"\n{NOTE[first.start : last.end]}\n")
    assert shown(quote_of(2, 11), [last]).endswith(
        f"\n{NOTE[NOTE.index('Sentence 2 ') : last.end]}\n"
    )


def test_a_source_of_which_no_passage_is_there_is_shown_alone(shown, passages):
    other = replace(passages[0], path="other.md")
    assert shown(quote_of(2, 3), [other]).endswith(f"\n{quote_of(2, 3)}\n")
