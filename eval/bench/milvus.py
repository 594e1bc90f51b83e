"""Measures an index in Milvus Lite beside the same one in the local store; prints Markdown tables.

    python eval/bench/milvus.py --dir /tmp/milvus --set DIR --runs 7
    python eval/bench/milvus.py --dir /tmp/milvus --only size --sizes 10000 100000

An index is built once and copied with its embeddings, so that both stores hold the same. Indexes
are kept in --dir. What is timed takes turns, after one that does not count.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from copying import copy_index
from milvus_agreement import agreement, agreement_on_set
from milvus_rows import rows_sent
from running import RAGQA, Child, ratios, run_child, seconds, take_turns
from scale import disk_mb
from vaults import write_vault
from warm import Laps

from ragqa.api import Index, open_index
from ragqa.evaluation.questions import read_questions
from ragqa.retrieval import retrieve
from ragqa.stores import open_store
from ragqa.types import Filters

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = REPOSITORY / "corpus"
QUESTIONS = read_questions(REPOSITORY / "eval" / "questions.jsonl")
QUESTION = "When should I fine-tune a model rather than prompt it?"
VAULT_QUESTION = (
    "What do my notes say about rivers, steam engines and the weather in the mountains?"
)
SEED = 1
PORT = 19_599
TABLES = ("agree", "set", "latency", "rows", "size")
_START_S = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """Notes, an index of them in the local store, and copies of it."""

    folder: Path
    notes: Path

    @property
    def local(self) -> Path:
        """The index in the local store."""
        return self.folder / "local"

    @property
    def lite(self) -> Path:
        """The index in a file of Milvus Lite."""
        return self.folder / "lite"

    @property
    def served(self) -> Path:
        """The data of a server of Milvus Lite."""
        return self.folder / "served"

    def command(self, *words: str, store: str = "local", uri: str = "") -> list[str]:
        """A command line about one of the indexes."""
        index = self.local if store == "local" else self.lite
        there = ["--store-uri", uri] if uri else []
        places = ["--corpus", str(self.notes), "--index", str(index)]
        return [RAGQA, *words, *places, "--store", store, *there]

    def open(self, store: str) -> Index:
        """One of the indexes by its Python interface."""
        index = self.local if store == "local" else self.lite
        return open_index(self.notes, index=index, settings={"store": store})

    def copy(self, kind: str, target: Path) -> dict[str, float]:
        """Copy the local index in a process of its own; what that took."""
        shutil.rmtree(target, ignore_errors=True)
        script = str(Path(__file__).with_name("copying.py"))
        argv = [sys.executable, script, str(self.local), str(target), "--kind", kind]
        child = run_child(argv, answers=(0,))
        taken: dict[str, float] = json.loads(child.output)
        return {**taken, "peak_mb": child.peak_mb}


def wiki(folder: Path) -> Place:
    """The wiki that comes with ragqa, indexed by the real model."""
    place = Place(folder / "wiki", CORPUS)
    if not place.local.exists():
        run_child(place.command("index"))
    if not place.lite.exists():
        place.copy("milvus", place.lite)
    return place


def vault(folder: Path, passages: int) -> Place:
    """A made-up vault with made-up embeddings."""
    notes = folder / f"vault-{passages}"
    place = Place(folder / f"made-{passages}", notes)
    write_vault(notes, passages=passages, seed=SEED)
    if not place.local.exists():
        script, out = Path(__file__).with_name("building.py"), folder / f"made-{passages}.json"
        run_child([sys.executable, str(script), str(notes), str(place.local), "--out", str(out)])
    return place


@contextmanager
def serving(place: Place) -> Iterator[tuple[str, int]]:
    """A server of Milvus Lite on this machine with a copy of an index; its URI and process."""
    argv = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(place.served)]
    shutil.rmtree(place.served, ignore_errors=True)
    place.served.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen(
        [*argv, "--host", "127.0.0.1", "--port", str(PORT)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    uri = f"http://127.0.0.1:{PORT}"
    try:
        store = open_store(place.lite, kind="milvus", uri=uri)
        _wait_for(store.remarks)
        copy_index(open_store(place.local).snapshot(), store)
        yield uri, server.pid
    finally:
        server.terminate()
        server.wait()


def _wait_for(answer: Callable[[], object]) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            answer()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def cold(place: Place, question: str, runs: int) -> Iterator[str]:
    """How long a question takes in a process of its own, in each store in turn."""
    with serving(place) as (uri, process):
        ask = partial(place.command, "ask", question)
        commands = {
            "local": ask(),
            "Milvus Lite, file": ask(store="milvus"),
            "Milvus Lite, server on this machine": ask(store="milvus", uri=uri),
        }
        found = take_turns(runs, *(partial(run_child, argv) for argv in commands.values()))
        server_mb = _peak_mb(process)
    _check_same(found)
    yield f"| a question, new process ({_load()}) | s, median | x local | processor s | peak MB |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name, children in zip(commands, found, strict=True):
        times = seconds(children)
        ratio = ratios(times, seconds(found[0]))
        cpu = statistics.median(child.cpu_seconds for child in children)
        peak = max(child.peak_mb for child in children)
        beside = f" + {server_mb:.0f}" if "server" in name else ""
        yield (
            f"| {name} | {statistics.median(times):.2f} | {ratio:.2f} | {cpu:.2f} "
            f"| {peak:.0f}{beside} |"
        )


def _check_same(found: Sequence[Sequence[Child]]) -> None:
    if len({child.output for children in found for child in children}) > 1:
        print("the stores do not answer alike", file=sys.stderr)


def _peak_mb(process: int) -> float:
    """The most memory that a running process has had, where the system says so."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def warm(place: Place, questions: Sequence[str]) -> Iterator[str]:
    """How long finding passages takes in a running process, each question in each store in turn."""
    laps = Laps()
    with place.open("local") as local, place.open("milvus") as lite:
        for number, question in enumerate([*questions[:5], *questions]):
            if number == 5:
                laps = Laps()
            for name, index in (("local", local), ("Milvus Lite, file", lite)):
                laps.time(name, partial(_retrieve, index, question))
    yield f"| finding passages, running process ({_load()}) | p50, ms | p95, ms |"
    yield "| --- | ---: | ---: |"
    for name, found in laps.quantiles().items():
        yield f"| {name} | {found['p50_ms']} | {found['p95_ms']} |"


def _retrieve(index: Index, question: str) -> object:
    embedder = index.source.embedders.asking
    return retrieve(
        index.snapshot(), embedder, question, k=10, filters=Filters(), ranking=index.ranking
    )


def size(place: Place, name: str, runs: int) -> Iterator[str]:
    """What writing all passages takes, and looking for changes, and one changed note."""
    targets = {"local": place.folder / "copy", "milvus": place.lite}
    written = {kind: place.copy(kind, target) for kind, target in targets.items()}
    disk = {kind: disk_mb(target) for kind, target in targets.items()}
    shutil.rmtree(targets["local"])
    commands = [partial(run_child, place.command("index", store=kind)) for kind in targets]
    none = dict(zip(targets, take_turns(runs, *commands), strict=True))
    one = dict(zip(targets, _changing(place, list(targets), runs), strict=True))
    yield f"| {name} ({_load()}) | local | Milvus Lite, file |"
    yield "| --- | ---: | ---: |"
    rows: dict[str, Callable[[str], str]] = {
        "writing all without the model, s": lambda kind: f"{written[kind]['seconds']:.1f}",
        "processor time of that, s": lambda kind: f"{written[kind]['cpu_seconds']:.1f}",
        "peak memory of that, MB": lambda kind: f"{written[kind]['peak_mb']:.0f}",
        "on disk, MB": lambda kind: f"{disk[kind]:.1f}",
        "`ragqa index`, nothing changed, s": lambda kind: _median(none[kind]),
        "`ragqa index`, one note changed, s": lambda kind: _median(one[kind]),
        "peak memory of that, MB ": lambda kind: f"{max(c.peak_mb for c in one[kind]):.0f}",
    }
    for what, figure in rows.items():
        yield f"| {what.strip()} | {' | '.join(figure(kind) for kind in targets)} |"


def _changing(place: Place, kinds: Sequence[str], runs: int) -> list[list[Child]]:
    """Take in a note that changes, in each store in turn; it is gone afterwards."""
    note = place.notes / "changing.md"
    note.write_text("# Changing\n", encoding="utf-8")
    for kind in kinds:
        run_child(place.command("index", store=kind))

    def change(kind: str) -> Child:
        with note.open("a", encoding="utf-8") as file:
            file.write(f"\nThe river rose again, for the {note.stat().st_size}th time.\n")
        return run_child(place.command("index", store=kind))

    try:
        return take_turns(runs, *(partial(change, kind) for kind in kinds))
    finally:
        note.unlink()
        for kind in kinds:
            run_child(place.command("index", store=kind))


def _median(children: Sequence[Child]) -> str:
    return f"{statistics.median(seconds(children)):.2f}"


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def tables(args: argparse.Namespace) -> Iterator[Iterator[str]]:
    """The tables that are asked for, one after the other."""
    folder: Path = args.dir.resolve()
    asked = args.only or TABLES
    if "agree" in asked:
        place = wiki(folder)
        with place.open("local") as local, place.open("milvus") as lite:
            yield agreement(local, lite, QUESTIONS)
    if "set" in asked and args.set:
        yield agreement_on_set(args.set)
    if "latency" in asked:
        yield cold(wiki(folder), QUESTION, args.runs)
        yield warm(wiki(folder), [one.question for one in QUESTIONS])
    if "rows" in asked:
        yield rows_sent(CORPUS, folder / "rows")
    for passages in args.sizes if "size" in asked else ():
        place = vault(folder, passages)
        yield size(place, f"about {passages:,} passages", min(args.runs, 3))
        yield cold(place, VAULT_QUESTION, min(args.runs, 3))
        yield warm(place, [one.question for one in QUESTIONS[:40]])


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dir", type=Path, required=True, help="where indexes are kept")
    parser.add_argument("--set", type=Path, help="a public set in BEIR layout")
    parser.add_argument("--runs", type=int, default=7, help="turns that count (default 7)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--only", choices=TABLES, action="append", help="may be given again")
    for table in tables(parser.parse_args()):
        for line in table:
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
