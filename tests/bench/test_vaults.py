"""The vaults and embeddings that benchmarks at scale are run on."""

import importlib
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hashed import HashedEmbedder

from ragqa.notes import parse_note

BENCH = Path(__file__).resolve().parents[2] / "eval" / "bench"
SEED = 3


@pytest.fixture(scope="module")
def bench():
    """The scripts, with a small lexicon and the pages of a vault."""
    sys.path.insert(0, str(BENCH))
    try:
        names = ("lexicon", "vaults", "synthetic")
        found = {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(BENCH))
    words = ["the", "of", "and", "to", *map(found["lexicon"].invented, range(40_000, 40_600))]
    vectors = np.random.default_rng(SEED).standard_normal((len(words), 64)).astype(np.float32)
    lexicon = found["lexicon"].Lexicon(tuple(words), vectors)

    def pages(seed=SEED):
        return list(found["vaults"].Vault(lexicon, passages=300, seed=seed).pages())

    return SimpleNamespace(**found, words=lexicon, pages=pages)


def test_the_same_seed_gives_the_same_notes_and_another_seed_others(bench):
    assert bench.pages() == bench.pages()
    assert bench.pages(SEED + 1)[0].text != bench.pages()[0].text


def test_every_link_leads_to_a_note_and_half_of_the_notes_have_the_common_tag(bench):
    notes = [parse_note(page.path, page.text) for page in bench.pages()]
    targets = {link for note in notes for link in note.links}
    assert targets
    assert targets <= {note.title for note in notes}
    tags = Counter(tag for note in notes for tag in note.tags)
    assert tags[bench.vaults.HALF_TAG] == -(-len(notes) // 2)
    assert tags[bench.vaults.RARE_TAG] == 1


def test_made_embeddings_are_the_texts_own_and_near_where_texts_share_words(bench):
    embedder = bench.synthetic.SyntheticEmbedder(bench.words, HashedEmbedder(64))
    pieces = [(page.path, text) for page in bench.pages() for text in page.text.split("\n\n")]
    paths, texts = (list(column) for column in zip(*pieces, strict=True))
    vectors = embedder.embed_passages(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    # How a row of a matrix product is rounded may depend on its place: some CPUs do it so.
    assert np.allclose(embedder.embed_passages(texts[::-1]), vectors[::-1], atol=1e-6)
    together = np.array(paths)[:, None] == np.array(paths)[None]
    cosines = vectors @ vectors.T
    apart = ~np.eye(len(texts), dtype=bool)
    assert cosines[together & apart].mean() > cosines[~together].mean() + 0.05
