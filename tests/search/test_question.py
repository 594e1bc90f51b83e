"""How a question is searched in notes of one language or several, by words and by meaning."""

from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest
from cases import each_of, rows
from hashed import HashedEmbedder
from index.building import source_with
from support import write_notes

from ragqa.index import Store
from ragqa.index.refresh import refresh
from ragqa.search.question import READ_BYTES, UNREAD_BYTES, read_question, share_read
from ragqa.search.retrieve import fuse, retrieve
from ragqa.types import Pieces

VAULTS = {}
for row in rows("vaults"):
    VAULTS.setdefault(row["vault"], {})[row["name"]] = row["text"]


class OnlyLatin(HashedEmbedder):
    """An embedder that knows the words in Latin script, and no other."""

    def pieces(self, texts):
        words = " ".join(texts).split()
        return Pieces(len(words), sum(6 for word in words if word.isascii()))


@contextmanager
def opened(folder, notes, embedder=None):
    embedder = embedder or HashedEmbedder(32)
    write_notes(folder / "notes", notes)
    store = Store(folder / "index")
    refresh(store, source_with(folder, embedder))
    with store.snapshot() as snapshot:
        yield snapshot, embedder


@pytest.fixture(scope="module")
def vaults(tmp_path_factory):
    """The snapshots and embedders of all these vaults."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(opened(tmp_path_factory.mktemp(name), notes))
            for name, notes in VAULTS.items()
        }


def best(found, question):
    """The paths of the notes that the words of a question find, best first."""
    snapshot, embedder = found
    read = read_question(snapshot, embedder, question)
    by_words = replace(read, readable=0)
    hits = retrieve(snapshot, by_words, 5).hits
    return [hit.passage.path for hit in hits if hit.terms]


@each_of("searched")
def test_a_question_is_read_in_the_language_of_the_notes(
    vaults, vault, question, language, searched
):
    query = read_question(*vaults[vault], question)
    assert query.languages[0] == language
    assert searched in (None, [*query.searched])


def test_a_word_that_no_note_has_counts_once(vaults):
    assert len(read_question(*vaults["mixed"], "Glockenspiele").searched) == 1


@each_of("found")
def test_another_form_of_a_word_finds_it_in_its_language(vaults, vault, question, first, number):
    found = best(vaults[vault], question)
    assert found[0] == first
    assert number in (None, len(found))


@each_of("compounds")
def test_a_compound_is_split_where_several_passages_have_each_part(vaults, vault, question, parts):
    assert read_question(*vaults[vault], question).parts == tuple(parts)


def test_a_question_in_a_script_that_the_embedder_cannot_read_is_ranked_by_words_alone(tmp_path):
    notes = VAULTS["english"] | {
        "zh.md": "# Words\n\nThe Chinese word 打印机 is in this box on the desk.\n"
    }
    with opened(tmp_path, notes, OnlyLatin(32)) as (snapshot, embedder):
        read = read_question(snapshot, embedder, "打印机在哪里")
        assert read.by_terms_alone
        hits = retrieve(snapshot, read, 3).hits
        assert [hit.passage.path for hit in hits] == ["zh.md"]
        assert all(hit.dense is None for hit in hits)
        read = read_question(snapshot, embedder, "where is the printer?")
        assert read.readable == 1
        assert all(hit.dense is not None for hit in retrieve(snapshot, read, 3).hits)


def test_the_meaning_weighs_less_the_less_the_embedder_can_read(tmp_path):
    with opened(tmp_path, VAULTS["english"]) as (snapshot, embedder):
        read = read_question(snapshot, embedder, "printer in the kitchen")
        half = retrieve(snapshot, replace(read, readable=0.5), 3)
        legs = half.by_meaning, half.by_words
        assert read.readable == 1
        assert half.by_both == fuse(*legs, dense_weight=0.25, length=read.length)
        assert half.by_both != retrieve(snapshot, read, 3).by_both


def test_a_passage_scores_more_the_nearer_the_context_of_its_folder_is_to_the_question(vaults):
    snapshot, embedder = vaults["english"]
    read = read_question(snapshot, embedder, "what is there?")

    def found(**contexts):
        return [hit.passage.path for hit in retrieve(snapshot, read, 2, contexts=contexts).hits]

    first, second = found()
    near = read.vectors.pooled
    assert found(**{second: near, first: -near}) == [second, first]


@pytest.mark.parametrize(
    ("mean", "share"),
    [(0, 0), (UNREAD_BYTES, 0), ((UNREAD_BYTES + READ_BYTES) / 2, 0.5), (READ_BYTES, 1), (9, 1)],
)
def test_how_far_a_language_is_read_follows_from_the_mean_length_of_its_pieces(mean, share):
    assert share_read(Pieces(1_000, round(1_000 * mean))) == pytest.approx(share, abs=0.01)


def test_a_language_is_read_if_most_pieces_are_words_however_short():
    assert share_read(Pieces()) == 0
    assert share_read(Pieces(1_000, 1_000, words=700)) == 1
    assert share_read(Pieces(1_000, 1_000, words=400)) == 0
