"""An index that is damaged or of another version of ragqa: noticed, and built anew."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from hashed import HashedEmbedder
from index.building import source_with
from support import write_notes

from ragqa.errors import NeedsRebuild
from ragqa.index import Store
from ragqa.index.refresh import refresh
from ragqa.index.rows import checksum
from ragqa.index.source import check_origin

QUESTION = "what is the API rate limit?"
ANEW = (
    "This index is damaged, or another version of ragqa made it: building it anew from the notes. "
    "The old one is kept until that is done.\n"
)
NOTES = {
    "gateway.md": "# Gateway\n\nThe API rate limit is 100 requests a minute.\n",
    "cats.md": "# Cats\n\nThe cat naps at noon.\n",
}


@pytest.fixture
def plain(tmp_path):
    """The options that name notes, and their index, which is not built yet."""
    notes = write_notes(tmp_path / "notes", NOTES)
    return ["--corpus", str(notes), "--index", str(tmp_path / "index")]


@pytest.fixture(params=["another format", "other passages"])
def args(request, quick, plain):
    """The options that name notes, and their index that another version of ragqa made."""
    with mock.patch("ragqa.passages.VERSION", 4):
        assert quick("index", *plain).code == 0
    if request.param == "another format":  # of which nothing else may be known
        content = json.dumps({"format": 99, "info": {"corpus": "../notes"}}).encode()
        with closing(sqlite3.connect(Path(plain[3], "index.sqlite"))) as db:
            db.execute("UPDATE manifest SET data = ?, checksum = ?", (content, checksum(content)))
            db.commit()
    return plain


def content(args):
    """The database of the index."""
    return (Path(args[3]) / "index.sqlite").read_bytes()


def test_a_question_builds_it_anew_and_says_so_once(quick, args):
    before = content(args)
    first, second = quick("ask", QUESTION, *args), quick("ask", QUESTION, *args)
    assert (first.code, second.code) == (0, 0)
    assert "100 requests" in first.out
    assert (first.err, second.err) == (ANEW, "")
    assert content(args) != before


def test_a_command_that_only_reads_names_the_command_that_builds_it_anew(quick, args):
    before = content(args)
    done = quick("status", *args)
    assert done.code == 4
    said = done.out + done.err
    assert f"try: ragqa index --corpus {args[1]}" in said
    assert "--rebuild" not in said
    assert content(args) == before
    assert quick("index", *args).code == 0
    assert quick("status", *args).code == 0


def test_a_shared_index_with_other_passages_is_replaced_only_by_a_rebuild(tmp_path):
    notes = write_notes(tmp_path / "notes", NOTES)
    source = source_with(tmp_path, HashedEmbedder(64))
    store = Store(tmp_path / "index")
    with mock.patch("ragqa.passages.VERSION", 4):
        info = refresh(store, source_with(tmp_path, HashedEmbedder(64))).info
    info = replace(info, corpus=notes.name)
    with pytest.raises(NeedsRebuild) as caught:
        check_origin(info, replace(source, shared_name="team"))
    assert caught.value.hint == "ragqa index --rebuild"


def test_a_question_that_meets_a_damaged_row_is_answered_from_an_index_built_anew(quick, plain):
    args, expected = plain, quick("ask", QUESTION, *plain).out
    with closing(sqlite3.connect(Path(plain[3], "index.sqlite"))) as db:
        db.execute("UPDATE passages SET data = replace(data, '100', '900')")
        db.commit()
    [problem] = quick("status", "--json", *args).document["problems"]
    assert "does not match its checksum" in problem["what"]
    assert problem["fix"].startswith("ragqa index --rebuild")
    assert quick("ask", QUESTION, *args, "--no-refresh").code == 4
    again, last = quick("ask", QUESTION, *args), quick("ask", QUESTION, *args)
    assert (again.code, again.out, again.err) == (0, expected, ANEW)
    assert (last.out, last.err) == (expected, "")
    assert quick("status", "--json", *args).document["problems"] == []
