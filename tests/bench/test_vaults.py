"""The vaults and embeddings that benchmarks at scale are run on."""

import importlib
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ragqa.embedders.hashed import HashedEmbedder
from ragqa.notes import read_note, walk_notes
from ragqa.passages import Chunking
from ragqa.passages.split import split_note
from ragqa.types import Corpus

BENCH = Path(__file__).resolve().parents[2] / "eval" / "bench"
SEED = 3


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCH))
    try:
        names = ("lexicon", "vaults", "synthetic")
        return SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    finally:
        sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def lexicon(bench):
    words = ["the", "of", "and", "to", "in", *map(bench.lexicon.invented, range(40_000, 40_600))]
    vectors = np.random.default_rng(SEED).standard_normal((len(words), 64)).astype(np.float32)
    return bench.lexicon.Lexicon(tuple(words), vectors)


@pytest.fixture(scope="module")
def pages(bench, lexicon):
    return list(bench.vaults.Vault(lexicon, passages=300, seed=SEED).pages())


@pytest.fixture(scope="module")
def notes(pages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vault")
    for page in pages:
        path = folder / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.text)
    files = walk_notes(Corpus.of(folder), max_note_bytes=10**7).files
    return [read_note(Corpus.of(folder), file, max_note_bytes=10**7).note for file in files]


def passages_of(notes):
    embedder = HashedEmbedder()
    return [
        passage
        for note in notes
        for passage in split_note(
            note,
            chunking=Chunking(),
            window=embedder.info.window,
            count_tokens=embedder.count_tokens,
        )
    ]


def test_the_same_seed_gives_the_same_notes_and_another_seed_others(bench, lexicon, pages):
    assert list(bench.vaults.Vault(lexicon, passages=300, seed=SEED).pages()) == pages
    others = bench.vaults.Vault(lexicon, passages=300, seed=SEED + 1).pages()
    assert next(others).text != pages[0].text


def test_every_link_leads_to_a_note(notes):
    titles = {note.title for note in notes}
    targets = {link.target for note in notes for link in note.links}
    assert targets
    assert targets <= titles


def test_half_of_the_notes_have_the_common_tag(bench, notes):
    tags = Counter(tag for note in notes for tag in note.tags)
    assert tags[bench.vaults.HALF_TAG] == -(-len(notes) // 2)
    assert tags[bench.vaults.RARE_TAG] == 1


def test_made_embeddings_are_the_texts_own_and_near_where_texts_share_words(bench, lexicon, notes):
    real = HashedEmbedder(64)
    embedder = bench.synthetic.SyntheticEmbedder(lexicon, real)
    passages = passages_of(notes)
    texts = [passage.embedded_text for passage in passages]
    vectors = embedder.embed_passages(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    # How a row of a matrix product is rounded may depend on its place: some CPUs do it so.
    assert np.allclose(embedder.embed_passages(texts[::-1]), vectors[::-1], atol=1e-6)
    paths = np.array([passage.path for passage in passages])
    together = paths[:, None] == paths[None]
    cosines = vectors @ vectors.T
    apart = ~np.eye(len(texts), dtype=bool)
    assert cosines[together & apart].mean() > cosines[~together].mean() + 0.05
