"""An index knows the revision of the model that it was built with."""

from dataclasses import replace

import pytest
from fake_hub import OTHER_REVISION, REVISION
from support import INFO

from ragqa.embedders import CANARY, embedder_for
from ragqa.errors import EmbedderMismatch
from ragqa.index.source import check_embedder


@pytest.fixture
def check():
    """Check an index of one revision against an embedder of another."""
    embedder = embedder_for("hashed:64", building=False)
    canary = tuple(map(float, embedder.embed_passages([CANARY])[0]))

    def run(built, asked):
        info = replace(INFO, canary=canary, embedder=replace(embedder.info, revision=built))
        embedder.info = replace(embedder.info, revision=asked, name="another name")
        check_embedder(info, embedder)

    return run


def test_another_revision_of_the_model_is_refused_and_both_are_named(check):
    with pytest.raises(EmbedderMismatch) as refused:
        check(REVISION, OTHER_REVISION)
    assert f"revision {REVISION[:12]}" in refused.value.message
    assert f"revision {OTHER_REVISION[:12]}" in refused.value.message
    assert "ragqa index --rebuild" in refused.value.hint


@pytest.mark.parametrize(
    ("built", "asked"), [(REVISION, REVISION), ("", REVISION), (REVISION, ""), ("", "")]
)
def test_the_same_revision_and_the_model_in_a_folder_are_the_same_model(check, built, asked):
    check(built, asked)
