"""An answer before everything is read, and how the rest is read on."""

from contextlib import contextmanager

import pytest
from hashed import HashedEmbedder
from support import QUICK, on_terminal, run_ragqa, write_notes

from ragqa.api import Index
from ragqa.api.catch_up import EMBEDDED_FIRST, READ_FIRST, read_on
from ragqa.config import load_settings
from ragqa.index.scan import ranked
from ragqa.index.source import Embedders

QUESTION = "who repairs the boiler?"
ANSWER = "Ann Winter repairs the boiler."
FILLER = "The club met on a rainy evening and talked about the garden. " * 20


@pytest.fixture
def notes(tmp_path):
    """A folder that takes long to read, in which one note answers."""
    many = {f"minutes/{n:03}.md": f"# Meeting {n}\n\n{FILLER}\n\n{n}\n" for n in range(150)}
    return write_notes(tmp_path / "notes", many | {"house.md": f"# House\n\n{ANSWER}\n"})


@contextmanager
def opened(notes, embedder=None):
    loaded = load_settings({"corpus": (str(notes),), "index": str(notes.parent / "index")})
    embedder = embedder or HashedEmbedder(64)
    with Index(loaded, embedders=Embedders("hashed:64", lambda *_, **__: embedder)) as index:
        yield index, embedder


def quoted(answer):
    return [citation.quote for citation in answer.citations]


def test_the_files_with_a_question_s_words_come_first_and_names_count_as_text(tmp_path):
    notes = write_notes(
        tmp_path,
        {"a.md": "nothing", "boiler.md": "nothing", "b.md": "He repaired boilers. " * 2},
    )
    with opened(notes) as (index, _):
        files = index.source.walk().files
        paths = [file.path for file in ranked(index.source, files, QUESTION)]
    assert paths == ["b.md", "boiler.md", "a.md"]


def test_the_first_answer_is_from_the_notes_with_its_words_and_the_rest_is_read_on(notes):
    with opened(notes) as (index, embedder):
        answer = index.ask(QUESTION, at_once=True)
        assert quoted(answer) == [ANSWER]
        assert (index.info().notes, answer.waiting) == (READ_FIRST, 151 - READ_FIRST)
        assert embedder.embedded < EMBEDDED_FIRST + 40  # its candidate sentences besides
        assert index.info().not_embedded
        read_on(index)
        whole = index.ask(QUESTION)
        assert (index.info().notes, index.info().not_embedded, whole.waiting) == (151, 0, 0)
    assert quoted(whole) == [ANSWER]


def test_nothing_is_embedded_twice_when_a_build_follows_an_answer_at_once(notes):
    with opened(notes) as (index, embedder):
        index.ask(QUESTION, at_once=True)
        before, embedder.embedded = index.info(), 0
        report = index.refresh()
    canaries = 2
    assert before.not_embedded
    texts = report.info.passages - (before.passages - before.not_embedded)
    assert embedder.embedded <= texts + canaries


def test_a_note_that_was_moved_while_others_wait_keeps_its_embeddings(notes):
    with opened(notes) as (index, embedder):
        index.refresh()
        (notes / "minutes").rename(notes / "old")
        index.ask("who met on a rainy evening?", at_once=True)
        embedder.embedded = 0
        read_on(index)
        assert index.info().notes == 151
    assert embedder.embedded < 10


def test_a_piped_question_builds_first_and_with_now_it_says_what_waits(notes):
    index = notes.parent / "index"
    places = ["--corpus", notes, "--index", index]
    at_once = run_ragqa("ask", QUESTION, "--now", "--json", *places, env=QUICK)
    assert at_once.document["waiting"] == 151 - READ_FIRST
    assert "Answered from 60 of 151 notes" in at_once.err
    assert run_ragqa("status", "--json", *places, env=QUICK).document["embedded"] > 0
    built = run_ragqa("index", "--json", *places, env=QUICK).document
    assert (built["notes"], built["index"]["notes"]) == (151, 151)
    assert run_ragqa("status", "--json", *places, env=QUICK).document["fresh"]


def test_on_a_terminal_the_answer_comes_before_the_rest_is_read(notes):
    places = ["--corpus", notes, "--index", notes.parent / "index"]
    shown = on_terminal("ask", QUESTION, *places)
    answer, _, rest = shown.partition("Answered from 60 of 151 notes")
    assert "repairs the boiler." in answer
    assert "another" not in rest
    assert run_ragqa("status", "--json", *places, env=QUICK).document["fresh"]
    assert "Answered from" not in on_terminal("ask", QUESTION, *places)


def test_a_better_answer_of_the_complete_index_is_told_in_a_line(notes):
    apart = f"The repairs were late. {FILLER}\n\n## Heating\n\nThe boiler was cold. {FILLER}\n"
    write_notes(notes, {f"apart/{n}.md": f"# Talk {n}\n\n{apart}" for n in range(READ_FIRST)})
    write_notes(notes, {"house.md": f"# House\n\n{ANSWER}\n\n{FILLER * 40}\n"})
    shown = on_terminal("ask", QUESTION, "--corpus", notes, "--index", notes.parent / "index")
    answer, _, rest = shown.partition("Answered from")
    assert "repairs the boiler." not in answer
    assert "With everything read, the answer is another: ragqa ask" in rest


def test_a_pipe_reads_all_of_what_an_answer_at_once_has_begun(notes):
    places = ["--corpus", notes, "--index", notes.parent / "index"]
    run_ragqa("ask", QUESTION, "--now", *places, env=QUICK)
    answer = run_ragqa("ask", QUESTION, "--json", *places, env=QUICK).document
    assert (answer["waiting"], answer["index"]["notes"]) == (0, 151)
