"""What an index in Milvus survives: calls that fail, writers that are killed or stand still."""

import itertools
import json
import os
import re
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from index.building import (
    DIMENSION,
    FRUIT,
    INFO,
    QUESTIONS,
    answers,
    ask,
    commit,
    entry,
    quick_folder,
)
from pymilvus import MilvusException
from support import trying

from ragqa.errors import (
    IndexNotReadable,
    IndexNotWritable,
    IndexUnusable,
    NeedsRebuild,
    NoIndex,
)
from ragqa.index import Store
from ragqa.index.milvus import MilvusStore
from ragqa.index.milvus import client as milvus_client
from ragqa.index.milvus import milvus_engine as rows
from ragqa.index.milvus.client import Client, translate_error
from ragqa.index.rows import packed as json_of
from ragqa.types import NoteRecord

pytestmark = pytest.mark.integration

NEW = entry("new.md", "apple banana", "fig date", "grape")
CHANGED = entry("one.md", "elder apple", "cherry")
AFTER = {"one.md", "new.md", "ml/deep/three.md", "empty.md"}
CHANGING = {"create_collection", "create_index", "load_collection", "drop_collection"}
CHANGING |= {"upsert", "delete", "flush", "create_alias", "alter_alias"}
QUOTA = IndexNotWritable("quota exceeded")
ANYTHING = st.text(max_size=80) | st.sampled_from(["\udce9", "\0", "'", '"', "a b", "_20_", "ſ"])


@pytest.fixture
def store(monkeypatch):
    """An index in a file; a few rows are sent with several calls."""
    monkeypatch.setattr("ragqa.index.milvus.client.ROWS_AT_ONCE", 2)
    with quick_folder() as folder:
        store = MilvusStore(folder, str(folder / "milvus.db"), "faults")
        commit(store, *FRUIT)
        yield store


@pytest.fixture
def failing(monkeypatch):
    """Let something be done before the changing call of a number; returns the calls so far."""
    call = Client.call

    def at(number, act):
        calls = []

        def counted(self, method, *args, **options):
            if method in CHANGING:
                calls.append((method, *args[:1]))
                if len(calls) == number:
                    act()
            return call(self, method, *args, **options)

        monkeypatch.setattr(Client, "call", counted)
        return calls

    yield at
    monkeypatch.setattr(Client, "call", call)


def fail():
    raise QUOTA


def refresh(store):
    """Commit what would be read after a crash: what differs, as a refresh would see it."""
    wanted = [CHANGED, NEW, *FRUIT[2:]]
    with store.snapshot() as snapshot:
        if not snapshot.is_own:
            return commit(store, *wanted, fresh=True)
        states = snapshot.states
    changed = [each for each in wanted if states.get(each.note.path) != each.record.state]
    gone = states.keys() - {each.note.path for each in wanted}
    if changed or gone:
        return commit(store, *changed, remove=gone)
    return None


def test_a_refresh_that_fails_at_any_call_is_made_good_by_the_next(store, failing):
    known = {p.id: p for each in (*FRUIT, CHANGED, NEW) for p in each.passages}
    for number in itertools.count(1):
        commit(store, *FRUIT, fresh=True)
        calls = failing(number, fail)
        with suppress(IndexNotWritable):
            refresh(store)
        failing(0, fail)
        _, passages, notes = answers(store)
        assert all(known[passage.id] == passage for passage in passages), calls
        assert notes.keys() <= AFTER | {"ml/two.md"}
        refresh(store)
        assert answers(store)[2].keys() == AFTER
        with store.snapshot() as snapshot:
            assert snapshot.passages(at=["one.md"]) == CHANGED.passages
            assert snapshot.info.passages == 6
            assert snapshot.is_own
        if len(calls) < number:
            break
    assert number > 6


def test_a_rebuild_that_fails_at_any_call_leaves_the_old_answers_or_the_new(store, failing):
    before, old = answers(store), {each.note.path for each in FRUIT}
    for number in itertools.count(1):
        calls = failing(number, fail)
        with suppress(IndexNotWritable):
            commit(store, *FRUIT[1:], NEW, fresh=True)
        failing(0, fail)
        if answers(store) != before:
            assert answers(store)[2].keys() == (old | {"new.md"}) - {"one.md"}
            commit(store, *FRUIT, fresh=True)
        if len(calls) < number:
            break
    assert number > 6
    assert answers(store) == before


def test_an_open_snapshot_of_a_build_that_was_replaced_says_so_or_finds_passages_of_its_notes(
    store,
):
    with store.snapshot() as snapshot:
        commit(store, NEW, remove=["one.md"])
        with pytest.raises(IndexUnusable, match="any more"):
            snapshot.passages([FRUIT[0].passages[0].id])
        commit(store, *FRUIT, fresh=True)
        with pytest.raises(IndexUnusable):
            ask(snapshot, "apple")


def test_a_folder_without_a_database_answers_from_the_collection_and_builds_one_of_its_own(store):
    with quick_folder() as folder:
        other = MilvusStore(folder, store._client.uri, "faults")
        assert answers(other) == answers(store)
        with other.snapshot() as ours, store.snapshot() as theirs:
            assert (ours.states, ours.days) == (theirs.states, theirs.days)
            assert (ours.is_own, theirs.is_own) == (False, True)
        commit(other, *FRUIT[1:], NEW, fresh=True)
        assert answers(other)[2].keys() == {each.note.path for each in (*FRUIT[1:], NEW)}
        assert answers(other) == answers(store)
        with pytest.raises(IndexNotWritable, match="another process took over"):
            commit(store, NEW)
        commit(store, *FRUIT, fresh=True)
        assert answers(other)[2].keys() == {each.note.path for each in FRUIT}
        made = store._client.call("list_collections")
        assert [name for name in made if name.startswith("faults_")] == [store._client.current()]


def test_a_server_that_counts_iterates_and_searches_a_graph_finds_the_same(store, tmp_path):
    store._client.is_exact = False
    commit(store, *FRUIT, NEW, fresh=True)
    store._client.is_lite = False
    local = Store(tmp_path / "local")
    commit(local, *FRUIT, NEW)
    with store.snapshot() as snapshot, local.snapshot() as expected:
        assert snapshot.info.dense.kind == "hnsw"
        assert snapshot.notes() == expected.notes()
        for question in QUESTIONS:
            for ours, theirs in zip(ask(snapshot, question), ask(expected, question), strict=True):
                assert [id_ for id_, _ in ours] == [id_ for id_, _ in theirs]
                assert dict(ours) == pytest.approx(dict(theirs), rel=1e-5)


def test_a_file_is_served_to_its_own_process_only_and_is_its_users_alone(store):
    address = str(milvus_client._SERVED[store._client.uri][0])
    folder = Path(address.removeprefix("unix:")).parent
    assert address.startswith("unix:/")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(store._client.uri).stat().st_mode) == 0o700


def test_a_file_of_settings_in_the_folder_of_notes_sets_nothing(tmp_path):
    (tmp_path / ".env").write_text("RAGQA_MILVUS_TOKEN=theirs\nRAGQA_STORE=milvus\n")
    code = (
        "import os; from ragqa.index.milvus.client import pymilvus; pymilvus();"
        "print([name for name in os.environ if name.startswith('RAGQA_')])"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RAGQA_")}
    said = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=kept, text=True)
    assert said == "[]\n"


def test_a_collection_that_is_gone_is_mended_by_a_rebuild(store):
    client = store._client
    client._loaded.clear()
    client.call("drop_collection", client.current())
    with pytest.raises(NoIndex):
        answers(store)
    commit(store, *FRUIT, fresh=True)
    assert answers(store)[2].keys() == {each.note.path for each in FRUIT}


class Refused(grpc.RpcError, grpc.Call):
    """What gRPC raises, with a status and a message."""

    def __init__(self, status, said):
        self._status, self._said = status, said

    def code(self):
        return self._status

    def details(self):
        return self._said


Refused.__abstractmethods__ = frozenset()


@pytest.mark.parametrize(
    ("refusal", "error", "told"),
    [
        (MilvusException(9, "quota exceeded[reason=x]"), IndexNotWritable, "no more"),
        (MilvusException(100, "not found[collection=disk_timeouts]"), IndexUnusable, "failed"),
        (MilvusException(1401, "privilege not permitted"), IndexNotReadable, "denies"),
        (Refused(grpc.StatusCode.UNAUTHENTICATED, "wrong key"), IndexNotReadable, "denies access"),
        (Refused(grpc.StatusCode.UNAVAILABLE, "going"), IndexNotReadable, "no Milvus answers"),
        (Refused(grpc.StatusCode.UNIMPLEMENTED, "?"), IndexUnusable, "failed"),
    ],
)
def test_what_a_server_refuses_is_told_in_one_sentence(refusal, error, told):
    failure = translate_error(refusal, "http://h:19530")
    assert type(failure) is error
    assert told in failure.message


@pytest.mark.parametrize("version", ["v2.4.1", "", "Zilliz (Compatible with Milvus 2.4)"])
def test_a_server_that_is_too_old_is_told_before_anything_is_made(monkeypatch, tmp_path, version):
    monkeypatch.setattr(Client, "call", lambda *_, **__: version)
    with pytest.raises(IndexUnusable, match=r"has version .*; ragqa needs 2\.5"):
        commit(MilvusStore(tmp_path, str(tmp_path / "milvus.db"), "x"), *FRUIT)


def packed(content):
    return rows._pack(json.dumps(content).encode(), "x")


@trying(200)
@given(ANYTHING, ANYTHING)
def test_a_term_is_spelled_in_signs_of_words_and_as_no_other_term(one, other):
    assert re.fullmatch("[a-z0-9_]*", rows.encode_term(one))
    assert (rows.encode_term(one) == rows.encode_term(other)) == (one == other)


NOTE = json.loads(json_of(FRUIT[0].record))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "z!!!!",
        None,
        *map(packed, ([], {}, "x")),
        *(packed(NOTE | bad) for bad in ({"tags": ["\ud800"]}, {"path": "\ud800"}, {"date": "x"})),
    ],
)
def test_a_row_that_is_none_of_ours_is_damage(data):
    with pytest.raises(IndexUnusable, match="in Milvus is damaged"):
        rows.read(data, NoteRecord)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"format": 99}, NeedsRebuild),
        ({"is_whole": 2}, IndexUnusable),
        ({"mean_length": 1e300}, IndexUnusable),
        ({"info": None}, IndexUnusable),
    ],
)
def test_a_description_that_was_changed_is_not_believed(store, changed, error):
    content = json.loads(rows._unpack(rows._description(INFO, 12.5)["data"]))
    row = rows._description(INFO, 12.5) | {"data": packed(content | changed)}
    row[milvus_client.DENSE] = [1.0] + [0.0] * (DIMENSION - 1)
    store._client.put(store._client.current(), [row])
    with pytest.raises(error):
        answers(store)
