"""What a question needs is made once, however often it is used."""

from collections import Counter

import pytest

from ragqa import open_index
from ragqa.answering.excerpt_blocks import blocks_of
from ragqa.types import Passage


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "figs.md").write_text(
        "# Figs\n\nThe fig tree was planted in 2019.\n\n- Dig.\n- Water.\n"
    )
    (folder / "pears.md").write_text("# Pears\n\nThe pear tree was planted in 2020.\n")
    with open_index(folder, settings={"embedder": "hashed:64"}) as index:
        index.refresh()
        yield index


def test_the_sentence_that_checks_the_embedder_is_embedded_once_for_several_questions(
    notes, monkeypatch
):
    embedder, embedded = notes.source.embedders.asking, []
    embed = embedder.embed_passages
    monkeypatch.setattr(
        type(embedder), "embed_passages", lambda _, texts: embedded.extend(texts) or embed(texts)
    )
    for question in ("when was the fig tree planted?", "when was the pear tree planted?"):
        assert notes.ask(question).answered
    assert len(embedded) == 1


def test_a_passage_is_compared_with_its_note_once_a_question(notes, monkeypatch):
    compared = Counter()
    stands_in = Passage.stands_in

    def counted(passage, text, line=0):
        compared[passage.id] += 1
        return stands_in(passage, text, line)

    monkeypatch.setattr(Passage, "stands_in", counted)
    assert notes.ask("when was the fig tree planted?").answered
    assert set(compared.values()) == {1}


def test_the_blocks_of_an_excerpt_are_made_once_for_its_answer(notes, monkeypatch):
    made = []
    monkeypatch.setattr(
        "ragqa.answering.layout.blocks_of", lambda *of: made.append(of[0]) or blocks_of(*of)
    )
    answer = notes.ask("when was the fig tree planted?", further=0)
    assert [citation.quote for citation in answer.citations] == made


def test_the_folder_is_walked_once_for_several_questions_that_the_notes_do_not_answer(
    notes, monkeypatch
):
    walks, walk = [], type(notes.source).walk
    monkeypatch.setattr(
        type(notes.source), "walk", lambda source: walks.append(source) or walk(source)
    )
    for question in ("zanzibar?", "quixotic?"):
        assert not notes.ask(question, refresh=False).answered
    assert len(walks) == 1
