"""An index knows the revision of the model that it was built with."""

from dataclasses import replace

import pytest
from fake_hub import OTHER_REVISION, REVISION
from support import INFO

from ragqa.embedders import CANARY, embedder_for
from ragqa.errors import EmbedderMismatch
from ragqa.index.source import check_embedder


@pytest.mark.parametrize("built", [REVISION, ""])
@pytest.mark.parametrize("asked", [REVISION, "", OTHER_REVISION])
def test_only_another_revision_of_the_model_is_refused_and_both_are_named(built, asked):
    embedder = embedder_for("hashed:64", building=False)
    canary = tuple(map(float, embedder.embed_passages([CANARY])[0]))
    info = replace(INFO, canary=canary, embedder=replace(embedder.info, revision=built))
    embedder.info = replace(embedder.info, revision=asked, name="another name")
    if not built or asked != OTHER_REVISION:  # a model in a folder has none
        check_embedder(info, embedder)
        return
    with pytest.raises(EmbedderMismatch, match=f"{REVISION[:12]}.*{asked[:12]}") as refused:
        check_embedder(info, embedder)
    assert "ragqa index --rebuild" in refused.value.hint
