"""What an index in Milvus survives: calls that fail, writers that are killed or come too late."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent import futures
from contextlib import closing, suppress
from pathlib import Path

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from pymilvus import MilvusClient, MilvusException
from pymilvus.grpc_gen import common_pb2, milvus_pb2, milvus_pb2_grpc
from stores.building import FRUIT, QUESTIONS, answers, ask, commit, entry, quick_folder
from support import HANGS_S, QUICK, command, write_notes

from ragqa.errors import IndexNotReadable, IndexNotWritable, IndexUnusable, NoIndex, WriterBusy
from ragqa.stores import open_store
from ragqa.stores.disk import stepping
from ragqa.stores.local.store import LocalStore
from ragqa.stores.milvus import lease, lite_file
from ragqa.stores.milvus.client import Client
from ragqa.stores.milvus.connection import translate_error
from ragqa.stores.milvus.records import (
    KEPT_S,
    read_record,
    rows_of_records,
)

pytestmark = [pytest.mark.alone, pytest.mark.integration]

NAME = "faults"
NEW = entry("new.md", "apple banana", "fig date", "grape")
CHANGED = entry("one.md", "elder apple", "cherry")
SERVE = ("-m", "milvus_lite", "server", "--host", "127.0.0.1")
QUOTA = MilvusException(code=9, message="quota exceeded[reason=memory quota exceeded]")

KILLED = """
import os, signal, sys
from pathlib import Path
from ragqa.stores import open_store
from ragqa.stores.disk import stepping
from stores.building import FRUIT, commit, entry
store = open_store(Path(sys.argv[1]), kind="milvus", uri=sys.argv[2], name=sys.argv[3])
def die(step):
    if step == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)
with stepping(die):
    commit(store, entry("new.md", "killed"), entry("one.md", "killed"), remove=["ml/two.md"])
"""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """A few rows are sent with several calls."""
    monkeypatch.setattr("ragqa.stores.milvus.client.ROWS_AT_ONCE", 2)


@pytest.fixture
def store():
    """An index in a file, with one generation."""
    with quick_folder() as folder:
        store = open_store(folder, kind="milvus", name=NAME)
        commit(store, *FRUIT)
        yield store


@pytest.fixture
def client(store):
    """A connection to the same file."""
    return Client(store._uri, NAME)


@pytest.fixture(scope="module")
def server():
    """The URI of a server in a process of its own."""
    with quick_folder() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with subprocess.Popen(
            [sys.executable, *SERVE, "--data-dir", folder / "data", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            yield f"http://127.0.0.1:{port}"
            process.kill()


def at_step(number, act):
    """Do something before one step; the steps are in the list that is given, too."""
    steps = []

    def hook(name):
        steps.append(name)
        if len(steps) == number:
            act()

    return stepping(hook), steps


def fail():
    raise QUOTA


def leftovers(client):
    """Claims, collections and rows that no generation has."""
    kept = [read_record(row, "") for row in rows_of_records(client)]
    found = [claim.owner for claim in lease.claims(client)]
    found += client.bases() - {each.base for each in kept}
    for base in {each.base for each in kept}:
        seen = " or ".join(f"({each.visible})" for each in kept if each.base == base)
        for collection in (client.passages(base), client.notes(base)):
            found += [collection] * (
                client.count(collection, "pk >= 0") - client.count(collection, seen)
            )
    return found


@pytest.mark.parametrize("fresh", [False, True])
def test_a_build_that_fails_at_any_call_leaves_the_old_answers_or_the_new(store, client, fresh):
    before, seen = answers(store), []
    for number in itertools.count(1):
        hooked, steps = at_step(number, fail)
        with suppress(IndexNotWritable), hooked:
            commit(store, *(FRUIT[1:] if fresh else ()), NEW, CHANGED, fresh=fresh)
            break
        seen.append(answers(store))
    assert len(seen) > 10
    assert [each for each in seen if each != before] == []
    assert len(steps) >= number
    assert answers(store)[2].keys() == before[2].keys() | {"new.md"}
    assert store.problems() == []
    commit(store)  # what failed last was to give the lease back
    assert leftovers(client) == []


@pytest.mark.parametrize("step", ["put passages", "change passages"])
def test_a_killed_writer_is_followed_at_once_and_its_rows_are_cleared(server, tmp_path, step):
    name = f"killed{len(step)}"
    store = open_store(tmp_path, kind="milvus", uri=wait_for(server), name=name)
    commit(store, *FRUIT)
    before = answers(store)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path, server, name, step],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        timeout=HANGS_S,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert answers(store) == before
    assert leftovers(store._client)
    assert commit(store, NEW).generation == 2
    assert answers(store)[2].keys() == before[2].keys() | {"new.md"}
    assert store.problems() == []
    assert leftovers(store._client) == []


def wait_for(uri):
    """The same URI, once something listens there."""
    port = int(uri.rpartition(":")[2])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
    return uri


def claim_row(expires, *, owner="process 7 on elsewhere", home="", process=7, pk=-7):
    content = json.dumps([owner, home, process, expires])
    return {"pk": pk, "generation": 0, "data": content, "anchor": [1.0, 0.0]}


class Clock:
    """A clock that is put forward."""

    ahead = 0.0
    sleep = staticmethod(time.sleep)

    def time(self):
        return time.time() + self.ahead


def test_what_a_writer_does_after_another_took_over_is_seen_by_nobody(store, client, monkeypatch):
    """It is stopped before each of its calls in turn, until the other is done.

    Where that call marks rows as dead it comes over the other's marks, which is found and mended.
    """
    clock = Clock()
    monkeypatch.setattr("ragqa.stores.milvus.lease.time", clock)
    taker = open_store(store._root, kind="milvus", name=NAME)
    took = []

    def take_over():
        clock.ahead += lease.LEASE_S + 1
        commit(taker, entry("taker.md", f"apple {len(took)}"), CHANGED, remove=["new.md"])
        took.append(answers(taker))

    for number in itertools.count(2):
        hooked, steps = at_step(number, take_over)
        late = entry("one.md", "late late", f"late {number}")
        with suppress(IndexUnusable), hooked:
            commit(store, late, NEW, remove=["taker.md"])
        if len(steps) < number:
            break
        if steps[number - 1].startswith("change"):
            if store.problems():
                commit(store, *FRUIT, fresh=True)
        else:
            assert answers(store) == took[-1], steps[number - 1]
        assert store.problems() == []
    assert len(took) > 8
    assert commit(store, *FRUIT).notes
    assert store.problems() == []


class Late:
    """A server that carries out the record of a generation, and has said that it failed."""

    def __init__(self, store):
        self.client, self.rows = store._client, None

    def __enter__(self):
        self.upsert = self.client.upsert
        self.client.upsert = self
        return self

    def __call__(self, collection, rows, **options):
        if collection == self.client.records and rows[0]["pk"] > 1:
            self.rows = rows
            raise IndexNotReadable("no answer in time")
        self.upsert(collection, rows, **options)

    def __exit__(self, *_):
        self.client.upsert = self.upsert
        self.upsert(self.client.records, self.rows)


def test_a_record_that_arrives_after_its_writer_gave_up_counts_for_nothing(store, client):
    before = answers(store)
    with pytest.raises(IndexNotReadable), Late(store):
        commit(store, NEW, CHANGED)
    assert answers(store) == before
    assert store.problems() == []
    assert commit(store, NEW).generation == 2
    assert leftovers(client) == []


def test_a_records_collection_that_was_not_indexed_yet_is_none_and_is_made_whole(tmp_path):
    store = open_store(tmp_path, kind="milvus", name=NAME)
    hooked, _ = at_step(2, fail)
    with pytest.raises(IndexNotWritable), hooked:
        commit(store, *FRUIT)
    client = Client(store._uri, NAME)
    assert client.has(client.records)
    assert client.indexes(client.records) == []
    with pytest.raises(NoIndex):
        store.snapshot()
    assert store.remarks()[-1].fix == "ragqa index"
    assert commit(store, *FRUIT).notes == 4


def test_a_generation_that_was_replaced_an_hour_ago_is_gone_and_never_half_there(
    store, monkeypatch
):
    old = store.snapshot()
    commit(store, NEW, remove=["one.md"])
    start = time.time()
    monkeypatch.setattr(time, "time", lambda: start + KEPT_S + 1)
    monkeypatch.setattr("ragqa.stores.milvus.snapshot.time.monotonic", lambda: 2.0**40)
    assert ask(old, "apple banana")[0], "nothing was swept yet"
    store.tidy()
    for question in (
        lambda: ask(old, "apple banana"),
        old.notes,
        lambda: old.idf(["cherri"]),
        lambda: old.passages([FRUIT[1].passages[0].id]),
    ):
        with pytest.raises(IndexUnusable, match="more than an hour ago"):
            question()
    assert "new.md" in answers(store)[2]
    assert store.problems() == []


def test_a_server_that_counts_iterates_and_searches_a_graph_finds_the_same(
    store, monkeypatch, tmp_path
):
    monkeypatch.setattr("ragqa.stores.milvus.schema.EXACT_UP_TO", 1)
    commit(store, *FRUIT, NEW, fresh=True)
    local = LocalStore(tmp_path / "local")
    commit(local, *FRUIT, NEW)
    monkeypatch.setattr(Client, "is_lite", False)
    with closing(store.snapshot()) as snapshot, closing(local.snapshot()) as expected:
        assert snapshot.info.dense.kind == "hnsw"
        assert snapshot.notes() == expected.notes()
        for question in QUESTIONS:
            for ours, theirs in zip(ask(snapshot, question), ask(expected, question), strict=True):
                assert [id_ for id_, _ in ours] == [id_ for id_, _ in theirs]
                assert dict(ours) == pytest.approx(dict(theirs), rel=1e-5)


def test_an_index_that_outgrew_comparing_is_told_to_be_made_anew(store, monkeypatch):
    assert not any(remark.fix for remark in store.remarks())
    monkeypatch.setattr("ragqa.stores.milvus.examining.EXACT_UP_TO", 5)
    assert [remark.fix for remark in store.remarks() if remark.fix] == ["ragqa index --rebuild"]


def test_a_file_is_served_to_its_own_process_only_and_is_its_users_alone(store, client):
    port = lite_file._SERVED[client.uri].port
    for token in ("", "root:Milvus"):
        with pytest.raises(MilvusException, match="Fail connecting"):
            MilvusClient(f"http://127.0.0.1:{port}", token=token, timeout=5, dedicated=True)
    assert Path(store._uri).stat().st_mode & 0o777 == 0o700


def test_looking_for_an_index_makes_no_file(tmp_path):
    store = open_store(tmp_path / "index", kind="milvus")
    with pytest.raises(NoIndex):
        store.snapshot()
    store.tidy()
    assert store.problems()
    assert store.remarks()[0].fix == "ragqa index"
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_settings_in_the_folder_of_notes_sets_nothing(tmp_path):
    (tmp_path / ".env").write_text("RAGQA_MILVUS_TOKEN=theirs\nRAGQA_STORE=milvus\n")
    code = (
        "import os; from ragqa.stores.milvus.connection import pymilvus; pymilvus();"
        "print([name for name in os.environ if name.startswith('RAGQA_')])"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RAGQA_")}
    said = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=kept, text=True)
    assert said == "[]\n"


def test_a_writer_that_was_killed_and_not_looked_after_is_dead():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not lease._is_alive(process.pid)
    assert lease._is_alive(os.getpid())


@pytest.mark.parametrize("name", ["disk_notes", "connectors", "permissions_wiki", "timeouts"])
def test_what_a_collection_is_called_says_nothing_of_what_failed(name):
    for said in (f"collection not found[collection={name}]", f"collection '{name}' does not exist"):
        told = translate_error(MilvusException(code=100, message=said), "http://h:19530")
        assert type(told) is IndexUnusable
        assert name in told.message


def test_a_writer_on_another_machine_is_left_alone_until_its_lease_ends(store, client):
    client.upsert(client.records, [claim_row(time.time() + 100)])
    with pytest.raises(
        WriterBusy, match=r"written by process 7 on elsewhere, .* ends in (99|100) s"
    ):
        commit(store, NEW)
    client.upsert(client.records, [claim_row(time.time() - 1)])
    commit(store, NEW)
    assert "new.md" in answers(store)[2]
    assert lease.claims(client) == []


@pytest.mark.parametrize(
    "content",
    [
        '["x", "h", 1, 1e300]',
        '["x", "h", 1, Infinity]',
        '["x", "h", 1, NaN]',
        '["x", "h", 1, 1' + "0" * 400 + "]",
        "[" * 60_000,
        "{}",
    ],
)
def test_a_claim_that_could_not_be_true_keeps_nobody_out(store, client, content):
    client.upsert(client.records, [claim_row(0.0) | {"data": content}])
    assert store.remarks()
    assert commit(store, NEW).notes == 5
    assert lease.claims(client) == []


def test_records_that_no_writer_could_have_put_in_change_no_answer(store, client):
    before = answers(store)
    odd = {"generation": -5, "data": "[" * 60_000, "anchor": [1.0, 0.0]}
    client.upsert(client.records, [odd | {"pk": pk} for pk in (0, 2**62, 2**63 - 1)])
    assert answers(store) == before
    assert commit(store, NEW).generation == 2
    assert store.problems() == []


def test_a_collection_that_is_gone_is_told_and_mended_by_a_rebuild(store, client):
    client.drop(client.passages(1))
    with pytest.raises(IndexUnusable):
        answers(store)
    assert "is gone" in store.problems()[0]
    commit(store, *FRUIT, fresh=True)
    assert store.problems() == []


def status(code, reason):
    return common_pb2.Status(code=code, error_code=1, reason=reason)


NOT_FOUND = status(100, "collection not found[collection=x]")
DENIED = (grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check api key is correct")


class FakeMilvus:
    """A server that answers every call with nothing, but for `answers` and `refusals` by method."""

    def __init__(self):
        self.version, self.answers, self.refusals = "v2.6.5", {}, {}
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        methods = milvus_pb2.DESCRIPTOR.services_by_name["MilvusService"].methods
        servicer = type("Servicer", (milvus_pb2_grpc.MilvusServiceServicer,), {})
        for method in methods:
            setattr(servicer, method.name, self._answering(method))
        milvus_pb2_grpc.add_MilvusServiceServicer_to_server(servicer(), self.server)
        self.uri = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def _answering(self, method):
        made = GetMessageClass(method.output_type)
        given = {"DescribeCollection": NOT_FOUND, "HasCollection": NOT_FOUND}

        def answer(_, __, context):
            if method.name in self.refusals:
                context.abort(*self.refusals[method.name])
            said = self.answers.get(method.name, given.get(method.name))
            if method.name == "GetVersion":
                return made(version=self.version)
            if made.DESCRIPTOR.name == "Status":
                return said or made()
            return made(status=said) if said else made()

        return answer


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr("ragqa.stores.milvus.client.CONNECT_S", 1.0)
    monkeypatch.setattr("ragqa.stores.milvus.client.CALL_S", 1.0)
    fake = FakeMilvus()
    yield fake
    fake.server.stop(None)


@pytest.mark.parametrize(
    ("method", "said", "error", "message"),
    [
        ("CreateCollection", status(9, "quota exceeded[reason=x]"), IndexNotWritable, "no more"),
        ("CreateCollection", status(7, "disk limit exceeded"), IndexNotWritable, "no more"),
        ("CreateCollection", status(8, "rate limit exceeded"), IndexNotWritable, "no more"),
        ("CreateCollection", status(1401, "privilege not permitted"), IndexNotReadable, "denies"),
        ("DescribeCollection", status(1, "service not ready"), IndexNotReadable, "no Milvus"),
        ("Connect", DENIED, IndexNotReadable, "denies access: auth check failure"),
        ("DescribeCollection", DENIED, IndexNotReadable, "denies access"),
        (
            "DescribeCollection",
            (grpc.StatusCode.UNAVAILABLE, "going away"),
            IndexNotReadable,
            "no Milvus answers",
        ),
        ("DescribeCollection", (grpc.StatusCode.UNIMPLEMENTED, "?"), IndexUnusable, "failed"),
    ],
)
def test_what_a_server_refuses_is_told_in_one_sentence(
    fake, tmp_path, method, said, error, message
):
    kept = fake.refusals if isinstance(said, tuple) else fake.answers
    kept[method] = said
    with pytest.raises(error, match=message):
        commit(open_store(tmp_path, kind="milvus", uri=fake.uri, name="x"), *FRUIT)


@pytest.mark.parametrize("version", ["v2.4.1", "2.6.1", "", "Zilliz (Compatible with Milvus 2.5)"])
def test_a_server_that_is_too_old_is_told_before_anything_is_made(fake, tmp_path, version):
    fake.version = version
    fake.answers["CreateCollection"] = status(5, "something was made")
    with pytest.raises(IndexUnusable, match=r"has version .*; ragqa needs 2\.6\.2 or newer"):
        commit(open_store(tmp_path, kind="milvus", uri=fake.uri, name="x"), *FRUIT)


def test_a_command_that_a_server_keeps_out_exits_with_4_and_shows_no_token(fake, tmp_path):
    fake.refusals["DescribeCollection"] = DENIED
    write_notes(tmp_path / "notes", {"a.md": "# Lamp\n\nIt was lit in 1931.\n"})
    places = ["--corpus", tmp_path / "notes", "--index", tmp_path / "index"]
    done = subprocess.run(
        [command(), "index", *places, "--store", "milvus", "--store-uri", fake.uri],
        capture_output=True,
        text=True,
        env=os.environ | QUICK | {"RAGQA_MILVUS_TOKEN": "a-secret-token"},
        timeout=HANGS_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(f"error: the Milvus server at {fake.uri} denies access")
    assert "set RAGQA_MILVUS_TOKEN" in done.stderr
    assert "a-secret-token" not in done.stderr
    assert "Traceback" not in done.stderr
