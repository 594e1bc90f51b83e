"""The index of a server, which follows its notes."""

import os
import shutil
import sqlite3
import sys
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import anyio
import pytest
from served_mcp import built
from support import HANGS_S, QUICK, write_notes
from watchfiles import watch

from ragqa.api import Index
from ragqa.api import index as asking
from ragqa.config import load_settings
from ragqa.errors import GivenUp, IndexUnusable, WriterBusy
from ragqa.serving import updates
from ragqa.serving.operations import Ask
from ragqa.serving.pages import PageRequest, ask_page
from ragqa.serving.updates import changes
from ragqa.serving.warm import NotReady, WarmIndex, in_thread
from ragqa.types import Building

NOTES = {"tea.md": "# Tea\n\nGreen tea is brewed at 80 degrees.\n"}


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    for name, value in (("_LOOK_MS", 100), ("_QUIET_MS", 20)):
        monkeypatch.setattr(updates, name, value)
    notes = write_notes(tmp_path / "notes", NOTES)
    return load_settings({"corpus": str(notes), "index": str(tmp_path / "index")})


class Held:
    """Work that stands still until it may go on."""

    def __init__(self):
        self.begun, self.go_on, self.indexes = threading.Event(), threading.Event(), []

    def __call__(self, index=None, *_, **__):
        self.indexes.append(index)
        self.begun.set()
        assert self.go_on.wait(HANGS_S)


def give_up(held, work):
    """Call `work` in a thread, and give it up once what is held has begun."""

    async def run():
        async with anyio.create_task_group() as group:
            group.start_soon(in_thread, work)
            await anyio.to_thread.run_sync(held.begun.wait, HANGS_S)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()

    anyio.run(run)


def test_after_a_call_that_is_given_up_the_next_one_has_another_index(loaded, monkeypatch):
    warm, held, closed = WarmIndex(loaded), Held(), threading.Event()
    give_up(held, partial(warm.use, held))
    monkeypatch.setattr(held.indexes[0], "close", closed.set)
    assert warm.use(lambda index: index) not in held.indexes
    assert not closed.is_set()
    held.go_on.set()
    assert closed.wait(HANGS_S)


def test_a_call_that_is_given_up_while_it_waits_for_the_index_does_not_start(loaded):
    warm, held, done = WarmIndex(loaded), Held(), []
    other = threading.Thread(target=warm.use, args=(held,), kwargs={"patience_s": 0})
    other.start()
    give_up(held, partial(warm.use, done.append))
    held.go_on.set()
    other.join()
    warm.use(lambda _: None)
    assert done == []


def test_a_question_that_is_given_up_ends_at_its_next_stage(tmp_path, loaded, monkeypatch):
    warm, held, answered, retrieve = built(tmp_path), Held(), [], asking.retrieve
    monkeypatch.setattr(asking, "retrieve", lambda *a, **k: (held(), retrieve(*a, **k))[1])
    monkeypatch.setattr(asking, "compose", lambda *_: answered.append(True))
    give_up(held, partial(Ask(question="how hot is green tea?").serve, warm))
    held.go_on.set()
    warm.use(lambda _: None)
    assert answered == []


def test_a_late_request_is_given_up():
    with pytest.raises(GivenUp, match="longer than 0 seconds"):
        anyio.run(partial(in_thread, lambda: None, deadline_s=0))


@pytest.mark.parametrize(
    ("code", "printed", "error", "told"),
    [
        (4, "some progress\nerror: there is no folder\n", IndexUnusable, "there is no folder"),
        (WriterBusy.exit_code, "error: another is at it\n", WriterBusy, "another is at it"),
        (9, "Killed\n", IndexUnusable, "ended with code 9"),
    ],
)
def test_why_an_update_failed_is_told_in_the_words_of_the_command(
    loaded, tmp_path, monkeypatch, code, printed, error, told
):
    command = tmp_path / "python"
    command.write_text(f"#!/bin/sh\nprintf '{printed}' >&2\nexit {code}\n")
    command.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(command))
    with pytest.raises(error, match=told):
        updates.run_index(loaded, lambda: None, ended=lambda: False)


def test_while_a_long_update_runs_answers_say_what_is_being_read(loaded, tmp_path, monkeypatch):
    with Index(loaded) as index:
        index.refresh()
    monkeypatch.setattr("ragqa.index.source.LONG_BYTES", 1)
    write_notes(tmp_path / "notes", {"rain.md": "# Rain\n\nRain fell for 12 days in April.\n"})
    running, go_on = threading.Event(), threading.Event()

    def held(*_, **__):
        running.set()
        go_on.wait()
        with Index(loaded) as index:
            index.refresh()

    def ask(index):
        return index.ask("how hot is green tea?", refresh=False)

    monkeypatch.setattr(updates, "run_index", held)
    with WarmIndex(loaded) as warm:
        running.wait()
        told = "1 file waits to be read, so this is from the index as it is; it is being read now"
        assert told in warm.use(ask, patience_s=0).warnings
        assert warm.use(ask, patience_s=0, apart=True).waiting == 1
        go_on.set()
        assert warm.updates.settled.wait(HANGS_S)
        after = warm.use(ask)
        assert (after.waiting, after.info.notes) == (0, 2)
        assert told not in after.warnings


def test_an_index_of_which_a_row_is_damaged_is_built_anew_once_a_question_meets_it(
    loaded, tmp_path, monkeypatch
):
    with Index(loaded) as index:
        index.refresh()

    def refresh(*_, **__):
        with Index(loaded) as index:
            index.refresh()

    def ask(index):
        return index.ask("how hot is green tea?", refresh=False).text

    monkeypatch.setattr(updates, "run_index", refresh)
    with WarmIndex(loaded) as warm:
        assert warm.updates.settled.wait(HANGS_S)
        before = warm.use(ask)
        warm.use(Index.close)
        with closing(sqlite3.connect(tmp_path / "index" / "index.sqlite")) as db:
            db.execute("UPDATE passages SET data = replace(data, '80', '90')")
            db.commit()
        warm.updates.settled.clear()
        with pytest.raises(NotReady, match="gone or damaged"):
            warm.use(ask, patience_s=0)
        assert warm.updates.settled.wait(HANGS_S)
        assert warm.use(ask) == before


def test_how_far_the_first_build_is_is_told_and_is_no_error(loaded, monkeypatch):
    running, go_on = threading.Event(), threading.Event()

    def held(_loaded, tell, **_):
        tell()
        running.set()
        go_on.wait()

    since = "2026-01-31T08:00:00+00:00"
    monkeypatch.setattr(Index, "building", lambda _: Building(since, 180))
    monkeypatch.setattr(updates, "run_index", held)
    with WarmIndex(loaded) as warm:
        running.wait()
        with pytest.raises(
            NotReady, match="being read: 1 file to read; 180 passages embedded so far"
        ):
            warm.use(lambda index: index.info(), patience_s=0)
        page = ask_page(warm, PageRequest()).body.decode()
        assert "Your notes are being read: 1 file to read; 180 passages embedded so far" in page
        assert "You can type your question meanwhile" in page
        go_on.set()
        assert warm.updates.settled.wait(HANGS_S)


def test_an_assistant_and_the_page_are_told_of_files_left_out_where_nothing_is_found(
    loaded, tmp_path
):
    (tmp_path / "notes" / "paper.html").write_text("<p>Zorbing is done on Mars.</p>")
    told = "1 file (1 .html) was left out; to read it: ragqa config set formats all"
    warm = built(tmp_path)
    document, in_words = Ask(question="zorbing on mars").serve(warm)
    assert in_words().within(document, 2_000)[0].count(told) == 1
    assert told in document["warnings"]
    page = ask_page(warm, PageRequest(q="zorbing on mars")).body.decode()
    assert page.count(told) == 1
    document, _ = Ask(question="how hot is green tea brewed?").serve(warm)
    assert not document["warnings"]


@pytest.fixture
def watching(loaded, monkeypatch):
    """Watches the notes; gives a function that waits for the next change, and gives its paths."""
    heard = []

    def watch_and_tell(*paths, **how):
        for found in watch(*paths, **how):
            heard.extend(found)
            yield found

    monkeypatch.setattr(updates, "watch", watch_and_tell)
    monkeypatch.setattr(updates, "_POLL_S", 0)
    monkeypatch.setattr(updates, "_LOOKS", 2)
    with Index(loaded) as index:
        found = changes(index.source, threading.Event())
    next(found)

    def wait():
        heard.clear()
        next(found)
        paths = {Path(path).name for _, path in heard}
        next(found)  # the next watch has begun, or cannot begin
        return paths

    return wait


def test_changes_are_seen_in_folders_that_come_later_and_behind_no_link(loaded, tmp_path, request):
    outside, notes = write_notes(tmp_path / "outside", NOTES), tmp_path / "notes"
    (notes / "link").symlink_to(outside)
    watching = request.getfixturevalue("watching")
    for name, seen in (("a.md", "a.md"), ("sub/deep/a.md", "sub"), ("sub/deep/b.md", "b.md")):
        write_notes(outside, {"far.md": name})
        write_notes(notes, {name: "# Tea\n"})
        found = watching()
        assert seen in found
        assert "far.md" not in found


def test_a_folder_of_notes_that_is_deleted_and_made_again_is_watched_again(watching, tmp_path):
    shutil.rmtree(tmp_path / "notes")
    assert "tea.md" in watching()
    write_notes(tmp_path / "notes", NOTES)
    watching()
    write_notes(tmp_path / "notes", {"rain.md": "Rain."})
    assert "rain.md" in watching()


@pytest.mark.parametrize("name", [b"\xff/tea.md", b"\xff.md"])
def test_a_name_that_is_no_text_keeps_no_change_from_being_followed(
    loaded, tmp_path, request, name
):
    note = tmp_path / "notes" / os.fsdecode(name)
    write_notes(note.parent, {note.name: "# Tea\n"})
    watching = request.getfixturevalue("watching")
    note.write_text("Black tea.")
    assert watching() == set()


def test_where_no_folder_can_be_watched_now_and_then_is_a_change(loaded, monkeypatch):
    monkeypatch.setattr(updates, "watch", Mock(side_effect=OSError("no watches left")))
    monkeypatch.setattr(updates, "_POLL_S", 0)
    stop = threading.Event()
    with Index(loaded) as index:
        found = changes(index.source, stop)
    assert [next(found), next(found)] == [None, None]
    stop.set()
    assert next(found, "ended") == "ended"
