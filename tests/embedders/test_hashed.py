"""The embedder without a model."""

import numpy as np
from hashed import HashedEmbedder

from ragqa.embedders import embedder_for


def test_the_name_gives_the_dimension_and_the_fingerprint_the_same_embedder_again():
    info = HashedEmbedder(48).info
    assert embedder_for(info.name, building=False).info == info


def test_salt_makes_other_weights_under_the_same_name():
    plain, salted = HashedEmbedder(64), HashedEmbedder(64, salt="other")
    assert plain.info.name == salted.info.name
    assert plain.info.weights_sha256 != salted.info.weights_sha256
    text = ["The cat sat on the mat."]
    assert (plain.embed_passages(text) @ salted.embed_passages(text).T).item() < 0.9


def test_it_counts_the_passages_it_embedded():
    embedder = HashedEmbedder(16)
    embedder.embed_passages(["one", "two"])
    embedder.embed_passages(["three"])
    embedder.embed_query("not counted")
    assert embedder.embedded == 3


def test_vectors_stay_the_same_from_version_to_version():
    vector = HashedEmbedder(8).embed_passages(["The cat sat."])[0]
    pinned = [0.407797, -0.043832, 0.38221, -0.6841, 0.0, 0.0, -0.172861, -0.433385]
    np.testing.assert_allclose(vector, pinned, atol=1e-5)
