"""The comparison with other systems: all get the same passages, and results are read rightly."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ragqa import open_index
from ragqa.types import Filters

BENCH = Path(__file__).parents[2] / "eval" / "bench"
sys.path[:0] = [str(BENCH), str(BENCH / "peers")]

from peer_material import prepare, write_note  # noqa: E402 - as above

DOCUMENTS = {
    f"d{n}": (f"Wing {n}" if n % 2 else "", f"Flutter of wing {n}. " + "Air flows past it. " * n)
    for n in range(30)
}


@pytest.fixture
def material(tmp_path, monkeypatch):
    """A set of thirty documents with two questions, prepared."""
    monkeypatch.setenv("RAGQA_EMBEDDER", "hashed:64")
    beir = tmp_path / "beir"
    rows = [{"_id": i, "title": title, "text": text} for i, (title, text) in DOCUMENTS.items()]
    rows.append({"_id": "empty", "title": "", "text": ""})
    queries = [{"_id": "q1", "text": "wing 7?"}, {"_id": "q2", "text": "wing 8?"}]
    write_note(beir, "corpus.jsonl", "\n".join(map(json.dumps, rows)))
    write_note(beir, "queries.jsonl", "\n".join(map(json.dumps, queries)))
    write_note(beir, "qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td7\t1\nq2\td8\t1\n")
    return prepare(beir, tmp_path / "material")


def _indexed(notes):
    with open_index(notes, index=notes.with_name("index")) as index:
        index.refresh()
        snapshot = index.snapshot()
        found = snapshot.nearest(np.eye(64, dtype=np.float32)[0], 1000, Filters())
        return {str(p.id): p.embedded_text for p in snapshot.passages([id_ for id_, _ in found])}


def test_peers_get_the_very_passages_that_ragqa_indexes(material):
    assert json.loads(material.passages.read_text()) == _indexed(material.notes)


def test_peers_are_told_exactly_what_an_edit_changes(material):
    before = _indexed(material.notes)
    for path, text in material.edited.items():
        write_note(material.notes, path, text)
    change = json.loads(material.edit.read_text())
    kept = {id_: text for id_, text in before.items() if id_ not in change["removed"]}
    assert kept | change["added"] == _indexed(material.notes)
