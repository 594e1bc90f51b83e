"""The index of a server, which follows its notes."""

import threading

import pytest
from support import HANGS_S, QUICK, write_notes

from ragqa.config import load_settings
from ragqa.errors import RagqaError
from ragqa.serving import warm as warm_module
from ragqa.serving.warm import NotReady, Overdue, WarmIndex
from ragqa.serving.watching import changes

NOTES = {"tea.md": "# Tea\n\nGreen tea is brewed at 80 degrees.\n"}


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    notes = write_notes(tmp_path / "notes", NOTES)
    return load_settings({"corpus": str(notes), "index": str(tmp_path / "index")})


def test_whatever_ends_an_update_it_is_tried_again(loaded, monkeypatch):
    tried = threading.Event()
    real = warm_module.update

    def failing(*args, **kwargs):
        if not tried.is_set():
            tried.set()
            raise BlockingIOError("no more processes")
        return real(*args, **kwargs)

    monkeypatch.setattr(warm_module, "update", failing)
    monkeypatch.setattr(warm_module, "RETRY_FAILED_S", 0.01)
    with WarmIndex(loaded) as warm:
        while not _is_built(warm):
            pass
    assert tried.is_set()


def test_an_index_that_is_deleted_is_built_again(loaded, tmp_path):
    with WarmIndex(loaded) as warm:
        while not _is_built(warm):
            pass
        for path in sorted((tmp_path / "index").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        with pytest.raises(NotReady):
            warm.use(lambda index: (index.close(), index.info()))
        while not _is_built(warm):
            pass


def test_a_late_call_is_given_up_and_the_next_one_has_another_index(loaded, monkeypatch):
    warm, go_on, closed, held = WarmIndex(loaded), threading.Event(), threading.Event(), []

    def late(index):
        held.append(index)
        monkeypatch.setattr(index, "close", closed.set)
        go_on.wait()

    monkeypatch.setattr(warm_module, "DEADLINE_S", 0)
    with pytest.raises(Overdue, match="longer than 0 seconds"):
        warm.use(late, patience_s=0)
    monkeypatch.setattr(warm_module, "DEADLINE_S", HANGS_S)
    assert warm.use(lambda index: index, patience_s=0) not in held
    assert not closed.is_set()
    go_on.set()
    assert closed.wait(HANGS_S)


def test_nobody_waits_for_the_index_without_end(loaded, monkeypatch):
    warm, begun, go_on = WarmIndex(loaded), threading.Event(), threading.Event()
    holder = threading.Thread(
        target=warm.use, args=(lambda _: (begun.set(), go_on.wait()),), kwargs={"patience_s": 0}
    )
    holder.start()
    assert begun.wait(HANGS_S)
    monkeypatch.setattr(warm_module, "DEADLINE_S", 0)
    with pytest.raises(Overdue, match="other questions"):
        warm.use(lambda index: index, patience_s=0)
    go_on.set()
    holder.join()


def _is_built(warm):
    try:
        return warm.use(lambda index: index.info().notes) == 1
    except RagqaError:
        return False


def test_changes_are_seen_below_a_folder_of_any_name(tmp_path):
    notes = write_notes(tmp_path / "node_modules" / "notes", NOTES)
    seen, stop = threading.Event(), threading.Event()

    def change():
        while not seen.wait(0.05):
            (notes / "tea.md").write_text("# Tea\n\nBlack tea.\n")

    writer = threading.Thread(target=change)
    writer.start()
    for _ in changes([notes], stop):
        seen.set()
        stop.set()
    writer.join()
    assert seen.is_set()
