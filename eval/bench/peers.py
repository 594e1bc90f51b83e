"""Measures ragqa beside what people would use in its place, on one BEIR set in one run.

    python eval/bench/peers.py --beir DIR --dir /tmp/peers --out peers.json --table peers.md
    python eval/bench/peers.py --beir DIR --dir /tmp/peers --runs 0 --builds 0

All index the same passages, which are ragqa's, with the same weights, and are asked the same
questions. Each peer is installed in an environment below --dir, which is kept for the next run.
Systems take turns, after one turn that does not count, so that a machine that slows down slows all;
the second line is a quick look, with that one turn alone.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from peer_material import Material, prepare
from peer_systems import KINDS, SHARED, Peer, System, child_environment, systems, versions
from running import Child, describe_machine, disk_mb, take_turns

T = TypeVar("T")

SHOWN = 10

MEASURES = {
    "build": ("building the index", "s"),
    "build_cpu": ("processor time of that", "s"),
    "build_mb": ("peak memory of building", "MB"),
    "disk_mb": ("index on disk", "MB"),
    "cold": ("one question, new process", "s"),
    "cold_cpu": ("processor time of that", "s"),
    "cold_mb": ("peak memory of that", "MB"),
    "p50": ("a question in a running process, median", "ms"),
    "p95": ("the same, 95th percentile", "ms"),
    "warm_mb": ("peak memory of the running process", "MB"),
    "ndcg@10": ("nDCG@10", ""),
    "recall@10": ("recall@10", ""),
    "edit": ("taking in an edit, and one question", "s"),
    "edit_found": ("share of what was added that is found", ""),
}

Figures = dict[str, dict[str, list[float]]]
"""The value of each run, by measure and system."""


def main() -> None:
    """Prepare, measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--beir", type=Path, required=True, help="a folder in BEIR layout")
    parser.add_argument("--dir", type=Path, required=True, help="environments; kept between runs")
    parser.add_argument("--peer", choices=KINDS, action="append", help="may be given again")
    parser.add_argument("--runs", type=int, default=5, help="turns that count (default 5)")
    parser.add_argument("--builds", type=int, default=3, help="builds that count (default 3)")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    parser.add_argument("--table", type=Path, help="write the table to this Markdown file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ragqa-peers-") as folder:
        os.environ |= child_environment(Path(folder) / "settings")
        compared = systems(args.peer or list(KINDS), args.dir.resolve(), Path(folder) / "homes")
        material = prepare(args.beir, Path(folder) / "material")
        figures = measure(compared, material, Path(folder), runs=args.runs, builds=args.builds)
    report = {
        "set": args.beir.name,
        "documents": len(set(material.documents.values())),
        "passages": len(material.documents),
        "questions": len(material.judged),
        "machine": describe_machine(),
        "versions": {
            peer.name: versions(peer.python, (*SHARED, *KINDS))
            for peer in compared
            if isinstance(peer, Peer)
        },
        "figures": figures,
    }
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n")
    table = markdown(figures, [system.name for system in compared])
    print(table)
    if args.table:
        args.table.write_text(table)


def measure(
    compared: Sequence[System], material: Material, folder: Path, *, runs: int, builds: int
) -> Figures:
    """Measure everything."""
    figures: Figures = {name: defaultdict(list) for name in MEASURES}
    building = [system for system in compared if system.builds]
    _say("building")
    for system, children in _turns(builds, building, lambda system: system.build(material)):
        _add(figures, system, children, "build")
        figures["disk_mb"][system.name] = [disk_mb(system.home / "index")]
    question = next(iter(json.loads(material.questions.read_text()).values()))
    _say("asking one question")
    for system, children in _turns(runs, compared, lambda one: one.ask(one.home, question)):
        _add(figures, system, children, "cold")
    _say("asking all questions")
    for system, children in _turns(
        runs, compared, lambda one: one.ask_all(one.home, material.questions)
    ):
        _add_answers(figures, system, children, material)
    _say("asking after an edit")
    for system, edits in _turns(
        runs, building, lambda system: after_edit(system, material, folder / "edited")
    ):
        # How soon nothing is found says nothing.
        figures["edit"][system.name] = [seconds for seconds, found in edits if found]
        figures["edit_found"][system.name] = [found for _, found in edits]
    return figures


def after_edit(system: System, material: Material, scratch: Path) -> tuple[float, float]:
    """How long a copy of a system takes to answer after an edit, and the share that it finds.

    The time is that of its commands for taking the edit in, and of one question.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(system.home, scratch)
    questions = json.loads(material.asked_after.read_text())
    seconds = system.edit(scratch, material)
    seconds += system.ask(scratch, next(iter(questions.values()))).seconds
    answers = json.loads(system.ask_all(scratch, material.asked_after).output)
    return seconds, material.share_found(answers["rankings"], within=SHOWN)


def markdown(figures: Figures, names: Sequence[str]) -> str:
    """A table with the median of each measure and, in brackets, its ratio to the first system's."""
    lines = [f"| | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    for key, (label, unit) in MEASURES.items():
        ours = figures[key].get(names[0])
        reference = statistics.median(ours) if ours else 0.0
        cells = [_cell(figures[key].get(name, []), reference) for name in names]
        lines.append(f"| {label}{', ' + unit if unit else ''} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(values: Sequence[float], reference: float) -> str:
    if not values:
        return ""
    value = statistics.median(values)
    figure = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return f"{figure} ({value / reference:.2f})" if reference else figure


def _turns(
    runs: int, compared: Sequence[System], work: Callable[[System], T]
) -> list[tuple[System, list[T]]]:
    """Let the systems take turns at some work; what it gave in each turn that counts.

    With no run that counts, the one that would not does.
    """
    sides = [partial(work, system) for system in compared]
    found = take_turns(runs, *sides) if runs else [[side()] for side in sides]
    return list(zip(compared, found, strict=True))


def _add(figures: Figures, system: System, children: Sequence[Child], stage: str) -> None:
    figures[stage][system.name] = [child.seconds for child in children]
    figures[f"{stage}_cpu"][system.name] = [child.cpu_seconds for child in children]
    figures[f"{stage}_mb"][system.name] = [child.peak_mb for child in children]


def _add_answers(
    figures: Figures, system: System, children: Sequence[Child], material: Material
) -> None:
    """Add what was measured while all questions were asked."""
    answers = [json.loads(child.output) for child in children]
    in_ms = [[second * 1000 for second in one["seconds"]] for one in answers]
    figures["p50"][system.name] = [statistics.median(ms) for ms in in_ms]
    figures["p95"][system.name] = [statistics.quantiles(ms, n=20)[-1] for ms in in_ms]
    figures["warm_mb"][system.name] = [child.peak_mb for child in children]
    for name, values in material.quality(answers[0]["rankings"]).items():
        figures[name][system.name] = [statistics.mean(values)]


def _say(stage: str) -> None:
    print(f"{stage} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
