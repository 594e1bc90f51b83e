"""Builds the index of a made-up vault with made-up embeddings, and says how long each stage took.

    python eval/bench/building.py NOTES INDEX --out build.json

All but the embeddings is what `ragqa index` does, which can go on with the index afterwards.
"""

import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from running import write_down
from synthetic import synthetic_embedder

from ragqa import open_index
from ragqa.index import Store
from ragqa.index.refresh import refresh
from ragqa.index.source import Embedders


class Stages:
    """A `Progress` that adds up the time of each stage, in seconds of the clock and of the CPU."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.cpu_seconds: defaultdict[str, float] = defaultdict(float)
        self._stage = "walking"
        self._last = time.perf_counter(), time.process_time()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Count the time since the last call as the stage's, unless it begins only now."""
        del total
        now = time.perf_counter(), time.process_time()
        spent_in = stage if done else self._stage
        self.seconds[spent_in] += now[0] - self._last[0]
        self.cpu_seconds[spent_in] += now[1] - self._last[1]
        self._stage, self._last = stage, now

    def rounded(self) -> dict[str, dict[str, float]]:
        """Both sums, by stage."""
        return {
            name: {stage: round(value, 2) for stage, value in sums.items()}
            for name, sums in (("seconds", self.seconds), ("cpu_seconds", self.cpu_seconds))
        }


def build(corpus: Path, index: Path) -> dict[str, object]:
    """Build an index from nothing."""
    begun = time.perf_counter(), time.process_time()
    embedder = synthetic_embedder()
    ready = time.perf_counter()
    with open_index(corpus, index=index) as opened:
        source = replace(opened.source, embedders=Embedders("made up", lambda *_, **__: embedder))
    index.parent.mkdir(parents=True, exist_ok=True)
    stages = Stages()
    report = refresh(Store(index), source, rebuild=True, progress=stages)
    return {
        "notes": report.info.notes,
        "passages": report.info.passages,
        "made_ready_s": round(ready - begun[0], 2),
        "build_s": round(time.perf_counter() - ready, 2),
        "stages": stages.rounded(),
    }


def main() -> None:
    """Build one index and write down how it went."""
    write_down(build, about=__doc__)


if __name__ == "__main__":
    main()
