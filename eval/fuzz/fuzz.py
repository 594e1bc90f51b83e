"""Feed hostile bytes to ragqa until the time is up, or until something that must hold does not.

    python eval/fuzz/fuzz.py notes --seconds 600 --seed 1
    python eval/fuzz/fuzz.py notes --input found/notes-0123456789ab

What breaks is kept as a file, by which it can be run again.
"""

import argparse
import hashlib
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests"))
import hashed  # noqa: F401 - before ragqa, to which it gives its embedder
from holding import must
from mutation import long, mixed, mutated

SLOWEST_S = 5.0
"""Processor time that an input of up to 100 kB may take."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed: `module` has `prepare()`, `seeds()` and `check(data)`, which raises."""

    module: str
    mutate: Callable[[random.Random, Sequence[bytes]], bytes] = mutated


TARGETS = {
    "notes": Target("fuzz_notes"),
    "notes-long": Target("fuzz_notes", mutate=long),
    "files": Target("fuzz_files", mutate=mixed),
}


@dataclass(slots=True)
class Runs:
    """Runs inputs of one target, and keeps those that break it; one of each kind is enough."""

    name: str
    check: Callable[[bytes], None]
    found: Path
    inputs: int = 0
    slowest_s: float = 0.0
    broken: int = 0

    def __call__(self, data: bytes) -> None:
        """Run one input."""
        self.inputs += 1
        started = time.process_time()
        try:
            self.check(data)
            taken = time.process_time() - started
            self.slowest_s = max(self.slowest_s, taken)
            must(taken <= SLOWEST_S, f"took {taken:.1f} s of processor time")
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:  # noqa: BLE001 - a panic in tantivy is no Exception
            self._keep(data, exc)

    def _keep(self, data: bytes, exc: BaseException) -> None:
        frames = traceback.extract_tb(exc.__traceback__)
        last = frames[-1] if frames else None
        kind = f"{type(exc).__name__} {last and (last.filename, last.lineno)} {str(exc)[:60]}"
        digest = hashlib.sha256(kind.encode("utf-8", "replace")).hexdigest()[:12]
        path = self.found / f"{self.name}-{digest}"
        if path.exists():
            return
        self.broken += 1
        path.write_bytes(data)
        path.with_name(f"{path.name}.txt").write_text(
            "".join(traceback.format_exception(exc)), encoding="utf-8", errors="replace"
        )
        _say(f"broken: {kind!r:.300}\n  kept in {path}")


def main() -> int:
    """Fuzz one target; gives 1 where anything broke."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--input", type=Path, help="run this one input instead")
    parser.add_argument("--found", type=Path, default=Path("found"), help="where to keep inputs")
    given = parser.parse_args()
    target = TARGETS[given.target]
    given.found.mkdir(parents=True, exist_ok=True)
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder with a random name is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        _own_home(Path(folder))
        module = import_module(target.module)
        module.prepare()
        if given.input is not None:
            module.check(given.input.read_bytes())
            _say("it holds")
            return 0
        runs = Runs(given.target, module.check, given.found)
        _blind(target, runs, module.seeds(), given.seconds, given.seed)
        return _told(runs)


def _own_home(folder: Path) -> None:
    """Let nothing of the user's own be read or written."""
    for name in [name for name in os.environ if name.startswith(("RAGQA_", "OPENAI_"))]:
        del os.environ[name]
    os.environ |= {
        "RAGQA_CACHE": str(folder / "cache"),
        "RAGQA_EMBEDDER": "hashed:64",
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_DATA_HOME": str(folder / "data"),
        "HF_HUB_OFFLINE": "1",
        # A child that was forked has none of the threads that its parent's libraries count on.
        "OMP_NUM_THREADS": "1",
    }
    tempfile.tempdir = str(folder)


def _blind(target: Target, runs: Runs, seeds: Sequence[bytes], seconds: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - a run is to be repeated
    ends = time.monotonic() + seconds
    for data in seeds:
        runs(data)
    while time.monotonic() < ends:
        runs(target.mutate(rng, seeds))


def _told(runs: Runs) -> int:
    _say(
        f"{runs.name}: {runs.inputs} inputs, slowest {runs.slowest_s:.2f} s, "
        f"{runs.broken} kinds of break"
    )
    return 1 if runs.broken else 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
