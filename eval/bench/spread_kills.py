"""Kills a worker, a node or the driver in the middle of builds by Ray, and says what came of it.

    python eval/bench/spread_kills.py --trials 10 --out kills.json

Each trial is a build of its own with an embedder that needs no model, on a cluster of two nodes of
which the second one is new, killed after so many batches as the trial's number says. It is as
promised if the index has the same passages and embeddings as one that was built here: after the
build itself, or, where the driver was killed, after the next one, which may compute only what had
not been saved.
"""

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ragqa.embedders import embedder_for
from ragqa.stores import open_store

NOTES = 120
TOGETHER = 4
LONGEST_S = 300

BUILD = """
import json, os, signal, subprocess, sys
from functools import partial
from ragqa.api import open_index
from ragqa.embedders.spread import ray_workers
from ragqa.indexing import adding
from ragqa.stores.disk import stepping

corpus, index, address, what, after, node = sys.argv[1:]
adding.SAVED_TOGETHER, adding.CHUNK_PASSAGES = 4, 8
computed = 0
collect = adding.Embedding._collect
def counting(self, *args):
    global computed
    collect(self, *args)
    computed = self.computed
adding.Embedding._collect = counting

def victims():
    if what == "driver":
        return [os.getpid()]
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    family = [row for row in rows if row[1] == node]
    if what == "node":
        return [int(node), *(int(row[0]) for row in family)]
    return [int(row[0]) for row in family if row[2].startswith("ray::")]

saved = 0
def befall(name):
    global saved
    saved += name == "write saved-embeddings-anew"
    if what != "nothing" and saved == int(after) and name.startswith("write saved"):
        for pid in victims():
            os.kill(pid, signal.SIGKILL)

with open_index(corpus, index=index) as opened, stepping(befall):
    if address:
        opened.source.embedders.workers = partial(ray_workers, address=address)
    opened.refresh(rebuild=False)
sys.stdout.write(json.dumps({"computed": computed}))
"""


def trial(cluster: Any, folder: Path, what: str, number: int, env: dict[str, str]) -> str:  # noqa: ANN401 - of Ray, which is typed in part
    """Put one build to it; gives what was not as promised, "" if all was."""
    node = cluster.add_node(num_cpus=1)
    process = node.all_processes["raylet"][0].process.pid
    index = folder / f"{what}-{number}"
    port = cluster.address.rpartition(":")[2]
    done = _build(folder, index, f"127.0.0.1:{port}", what, number, str(process), env)
    if what != "node":
        cluster.remove_node(node)
    if what == "driver":
        if done.returncode != -signal.SIGKILL:
            return f"the driver was not killed: {done.returncode}"
        again = _build(folder, index, "", "nothing", 0, "0", env)
        lacking = NOTES - TOGETHER * (number - 1)
        if again.returncode or json.loads(again.stdout)["computed"] != lacking:
            return f"the next build did not embed {lacking} passages: {again.stdout}{again.stderr}"
    elif done.returncode:
        return f"exit code {done.returncode}: {done.stderr[-500:]}"
    same = _embeddings(index) == _embeddings(folder / "here")
    return "" if same else "the index is not the one that was built here"


def _build(
    folder: Path, index: Path, address: str, what: str, after: int, node: str, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    given = [str(folder / "notes"), str(index), address, what, str(after), node]
    return subprocess.run(
        [sys.executable, "-c", BUILD, *given],
        env={**os.environ, **env, "RAGQA_EMBEDDER": "hashed:64"},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def _embeddings(index: Path) -> dict[int, bytes]:
    with closing(open_store(index).snapshot()) as snapshot:
        ids = [passage.id for _, passages in snapshot.by_note() for passage in passages]
        return {key: vector.tobytes() for key, vector in snapshot.vectors(ids).items()}


@contextmanager
def _cluster() -> Iterator[Any]:
    """A head node of one core, which is found in good health or not within seconds."""
    from ray.cluster_utils import Cluster

    haste = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": haste}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield cluster
    finally:
        cluster.shutdown()


def _write_notes(folder: Path) -> None:
    filler = "Words that are in all of them. " * 12
    folder.mkdir()
    for number in range(NOTES):
        (folder / f"{number}.md").write_text(f"# N{number}\n\nNote {number}. {filler}\n")


def main() -> None:
    """Run the trials; exit with 1 where anything was not as promised."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    embedder_for("hashed:64", building=True)
    table: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_notes(folder / "notes")
        _build(folder, folder / "here", "", "nothing", 0, "0", {})
        with _cluster() as cluster:
            for what in ("nothing", "worker", "node", "driver"):
                begun = time.perf_counter()
                wrong = [
                    trial(cluster, folder, what, 1 + 2 * number, {})
                    for number in range(args.trials)
                ]
                seconds = round((time.perf_counter() - begun) / args.trials, 1)
                as_promised = wrong.count("")
                table[what] = {"trials": args.trials, "as promised": as_promised, "s": seconds}
                print(what, table[what], [each for each in wrong if each], flush=True)
    if args.out:
        args.out.write_text(json.dumps(table, indent=2) + "\n")
    sys.exit(any(row["as promised"] != row["trials"] for row in table.values()))


if __name__ == "__main__":
    main()
