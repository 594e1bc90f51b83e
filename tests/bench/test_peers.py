"""The comparison with other systems: all get the same passages, and results are read rightly."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ragqa.api import open_index
from ragqa.types import Filters

BENCH = Path(__file__).parents[2] / "eval" / "bench"
sys.path[:0] = [str(BENCH), str(BENCH / "peers")]

import peers  # noqa: E402 - scripts, found by the path above
from peer_material import prepare, write_note  # noqa: E402 - as above
from running import Child  # noqa: E402 - as above

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
        found = snapshot.dense(np.eye(64, dtype=np.float32)[0], 1000, Filters())
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


class Double:
    """A system that ranks passages in the order of their ids, and learns of an edit or does not."""

    def __init__(self, name, home, *, learns):
        self.name, self.home, self.learns, self.builds = name, home, learns, True

    def build(self, material):
        write_note(self.home, "index/passages", material.passages.read_text())
        return Child(2.0, 3.0, 100.0, "{}")

    def ask(self, _home, _question):
        return Child(0.5, 0.6, 50.0, "{}")

    def ask_all(self, home, questions):
        ids = sorted(json.loads((home / "index" / "passages").read_text()))
        asked = json.loads(questions.read_text())
        answers = {"seconds": [0.01] * len(asked), "rankings": dict.fromkeys(asked, ids)}
        return Child(1.0, 1.0, 70.0, json.dumps(answers))

    def edit(self, home, material):
        if self.learns:
            added = json.loads(material.edit.read_text())["added"]
            write_note(home, "index/passages", json.dumps(added))
        return 0.25


def test_every_measure_is_taken_of_every_system(material, tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "SHOWN", 1000)
    doubles = [
        Double("first", tmp_path / "first", learns=True),
        Double("stale", tmp_path / "stale", learns=False),
    ]
    figures = peers.measure(doubles, material, tmp_path, runs=2, builds=1)
    assert set(figures) == set(peers.MEASURES)
    assert all(set(found) == {"first", "stale"} for found in figures.values())
    assert (figures["edit"]["first"], figures["edit"]["stale"]) == ([0.75, 0.75], [])
    assert (figures["edit_found"]["first"], figures["edit_found"]["stale"]) == ([1, 1], [0, 0])
    assert json.loads((doubles[0].home / "index/passages").read_text()).keys() == (
        material.documents.keys()
    )
    assert "| building the index, s | 2 (1.00) | 2 (1.00) |" in peers.markdown(
        figures, ["first", "stale"]
    )
