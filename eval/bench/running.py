"""What every benchmark needs: commands run to their end, turns taken, and the machine described."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# Compiled modules are part of an installed program; without them every start compiles.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

RAGQA = str(Path(sys.executable).with_name("ragqa"))
PACKAGES = (
    "ragqa torch transformers sentence-transformers onnxruntime tokenizers faiss-cpu tantivy numpy "
    "typer rich"
)
CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several runs, with the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.least:.3g} to {self.most:.3g})"


@dataclass(frozen=True, slots=True)
class Child:
    """What one run of a command took, and what it printed.

    `cpu_seconds` are those of all its cores together, which what runs beside it lengthens less.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


LAUNCH = """
import json, os, sys, time
begun = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
took = [time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss]
with open(sys.argv[1], "w") as file:
    json.dump([*took, os.waitstatus_to_exitcode(status)], file)
"""
"""Runs a command from a small process: Linux counts the peak memory of the one that forks as the
child's, too."""


def run_child(
    argv: Sequence[str], env: Mapping[str, str] | None = None, *, answers: Collection[int] = (0, 1)
) -> Child:
    """Run a command to its end; an exit code that is not among `answers` ends this program, too."""
    with (
        tempfile.NamedTemporaryFile() as measured,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCH, measured.name, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**os.environ, **(env or {})},
            cwd=tempfile.gettempdir(),
            check=True,
        )
        seconds, cpu_seconds, peak, code = json.load(measured)
        if code not in answers:
            errors.seek(0)
            message = errors.read().decode(errors="replace")
            raise SystemExit(f"{' '.join(argv)} exited with {code}:\n{message}")
        output.seek(0)
        printed = output.read().decode(errors="replace")
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Child(seconds, cpu_seconds, peak * kilobyte / 2**20, printed)


def take_turns(runs: int, *sides: Callable[[], T]) -> list[list[T]]:
    """Run each side in turn, `runs` times after one that does not count; the results by side."""
    results: list[list[T]] = [[] for _ in sides]
    for run in range(runs + 1):
        for side, found in zip(sides, results, strict=True):
            outcome = side()
            if run:
                found.append(outcome)
    return results


def ratios(subject: Sequence[float], baseline: Sequence[float]) -> float:
    """The median of the ratios, pair by pair."""
    return statistics.median(s / b for s, b in zip(subject, baseline, strict=True))


def seconds(children: Sequence[Child]) -> list[float]:
    """How long each took."""
    return [child.seconds for child in children]


def disk_mb(folder: Path) -> float:
    """What the files of a folder take, each counted once however many links it has."""
    sizes = {
        status.st_ino: status.st_size
        for status in (path.stat() for path in folder.rglob("*") if path.is_file())
    }
    return sum(sizes.values()) / 2**20


def cpu_flags() -> list[str]:
    """Which of the flags that matter the CPU has."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return []
    return [flag for flag in CPU_FLAGS if flag in words]


def describe_machine() -> dict[str, object]:
    """What the figures were measured on."""
    packages = {}
    for name in PACKAGES.split():
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return {
        "system": platform.platform(),
        "cpu_flags": cpu_flags(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "packages": packages,
    }


def write_down(measure: Callable[[Path, Path], object], *, about: str) -> None:
    """Measure the index of a corpus that the command line names; write what comes of it as JSON."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.write_text(json.dumps(measure(args.corpus, args.index), indent=2) + "\n")
