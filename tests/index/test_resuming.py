"""Builds that are interrupted, and what the next one still has to embed."""

import os
import signal

import pytest
from hashed import HashedEmbedder
from index.building import quick_folder, source_with
from support import write_notes

from ragqa.errors import NoIndex
from ragqa.index import Store
from ragqa.index.refresh import KEPT, refresh

NOTES = 40
TOGETHER = 8
CANARIES = 1


class Befallen(HashedEmbedder):
    """An embedder to which something happens before a part of the passages."""

    def __init__(self, part, act, **options):
        super().__init__(32, **options)
        self.part, self.act, self.calls = part, act, 0

    def embed_passages(self, texts, **options):
        self.calls += 1
        if self.calls == self.part:
            self.act()
        return super().embed_passages(texts, **options)


@pytest.fixture(autouse=True)
def save_often(monkeypatch):
    monkeypatch.setattr("ragqa.index.refresh.SAVED_TOGETHER", TOGETHER)


@pytest.fixture
def folder():
    with quick_folder() as folder:
        write_numbered(folder, range(NOTES))
        yield folder


def write_numbered(folder, numbers):
    filler = "Words that are in all of them. " * 12
    write_notes(folder / "notes", {f"{n}.md": f"# N{n}\n\nNote {n}. {filler}\n" for n in numbers})


def build(folder, embedder=None, **options):
    """Bring the index up to date; gives how many passages were embedded for it."""
    embedder = embedder or HashedEmbedder(32)
    source = source_with(folder, embedder)
    refresh(Store(source.index), source, **options)
    return embedder.embedded


def interrupt(folder, part, salt="", **options):
    """Press Ctrl-C while a part is embedded; gives what was noted on it."""

    def press():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        build(folder, Befallen(part, press, salt=salt), **options)
    return getattr(caught.value, "__notes__", [])


def test_a_build_that_was_killed_goes_on_where_it_stopped(folder):
    if (process := os.fork()) == 0:
        try:
            build(folder, Befallen(4, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        finally:
            os._exit(0)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL
    with pytest.raises(NoIndex), Store(folder / "index").snapshot():
        pass
    assert build(folder) == NOTES - 2 * TOGETHER + CANARIES


def test_a_rebuild_reads_all_notes_again_and_keeps_what_the_same_model_embedded(folder):
    assert build(folder) == NOTES + CANARIES
    assert build(folder, rebuild=True) == CANARIES
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ragqa.index.refresh.CANARY", "A library gives other vectors.")
        patch.setattr("ragqa.index.source.CANARY", "A library gives other vectors.")
        assert build(folder, rebuild=True) == NOTES + 2 * CANARIES


def test_an_interrupted_build_with_another_model_goes_on_beside_the_old_index(folder):
    build(folder)
    assert interrupt(folder, 1 + 3, rebuild=True, salt="other") == [KEPT]
    assert build(folder, HashedEmbedder(32)) == 0
    assert (
        build(folder, HashedEmbedder(32, salt="other"), rebuild=True)
        == NOTES - 2 * TOGETHER + CANARIES
    )
