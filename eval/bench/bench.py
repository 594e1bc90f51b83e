"""Measures ragqa beside what it is held to, in one run, and says which budgets are met.

    python eval/bench/bench.py --out results.json
    python eval/bench/bench.py --only build --runs 5

Subject and baseline take turns, after one run of each that does not count, so that a machine that
slows down slows both; ratios are taken pair by pair. What runs beside it still shows: see the load
average in the description of the machine.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from hashed import COMMAND
from running import (
    RAGQA,
    Spread,
    cpu_flags,
    describe_machine,
    ratios,
    run_child,
    seconds,
    take_turns,
)

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = REPOSITORY / "corpus"
QUESTION = "When should I fine-tune a model rather than prompt it?"
PASSAGE_TOKENS = 235
REFRESH_NOTES = 6500


@dataclass(frozen=True, slots=True)
class Result:
    """One figure held against its budget."""

    name: str
    subject: Spread
    baseline: Spread | None
    unit: str
    figure: float
    budget: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure is within the budget."""
        return self.figure >= self.budget if self.at_least else self.figure <= self.budget


def bench_help(runs: int) -> list[Result]:
    """`ragqa --help` against importing what it is written with."""
    ours, theirs = map(
        seconds,
        take_turns(
            runs,
            lambda: run_child([RAGQA, "--help"]),
            lambda: run_child([sys.executable, "-c", "import typer, rich"]),
        ),
    )
    return [
        Result(
            "ragqa --help / import typer, rich",
            Spread.of(ours),
            Spread.of(theirs),
            "s",
            ratios(ours, theirs),
            2.5,
        )
    ]


def bench_ask(runs: int) -> list[Result]:
    """A cold question over an index that is fresh, against importing sentence-transformers."""
    with tempfile.TemporaryDirectory() as folder:
        places = ["--corpus", str(CORPUS), "--index", f"{folder}/index"]
        run_child([RAGQA, "index", *places])
        asked, imported = take_turns(
            runs,
            lambda: run_child([RAGQA, "ask", QUESTION, *places]),
            lambda: run_child([sys.executable, "-c", "import sentence_transformers"]),
        )
    ours, theirs = seconds(asked), seconds(imported)
    peaks = Spread.of([child.peak_mb for child in asked])
    return [
        Result(
            "cold ask / import sentence_transformers",
            Spread.of(ours),
            Spread.of(theirs),
            "s",
            ratios(ours, theirs),
            0.15,
        ),
        Result("peak memory of a cold ask", peaks, None, "MB", peaks.most, 250),
    ]


def bench_build(runs: int) -> list[Result]:
    """Embedding passages for an index against plain `SentenceTransformer.encode` in float32."""
    import torch
    from sentence_transformers import SentenceTransformer

    from ragqa.embedders import DEFAULT_MODEL, embedder_for
    from ragqa.embedders.models import find_model

    embedder = embedder_for(DEFAULT_MODEL, building=True)
    passages = make_passages(embedder.count_tokens)
    plain = SentenceTransformer(
        str(find_model(DEFAULT_MODEL).path),
        device="cpu",
        local_files_only=True,
        model_kwargs={"dtype": torch.float32},
    )

    def rate(work: Callable[[], object]) -> float:
        begun = time.perf_counter()
        work()
        return len(passages) / (time.perf_counter() - begun)

    ours, theirs = take_turns(
        runs,
        lambda: rate(lambda: embedder.embed_passages(passages)),
        lambda: rate(lambda: plain.encode(passages, batch_size=32, show_progress_bar=False)),
    )
    flags = cpu_flags()
    budget = 2.5 if "amx_bf16" in flags else 1.6 if "avx512_bf16" in flags else 0.95
    return [
        Result(
            f"building in {embedder.dtype} / plain float32 encode",
            Spread.of(ours),
            Spread.of(theirs),
            "passages/s",
            ratios(ours, theirs),
            budget,
            at_least=True,
        )
    ]


def make_passages(count_tokens: Callable[[Sequence[str]], list[int]], *, n: int = 200) -> list[str]:
    """Cut the corpus into passages of about `PASSAGE_TOKENS` tokens, at words."""
    words = " ".join(path.read_text() for path in sorted(CORPUS.rglob("*.md"))).split()
    passages: list[str] = []
    begin = 0
    while len(passages) < n:
        if begin + PASSAGE_TOKENS > len(words):
            raise SystemExit(f"{CORPUS} is too small for {n} passages")
        lengths = count_tokens([" ".join(words[begin:end]) for end in _ends(begin)])
        fitting = [
            end
            for end, length in zip(_ends(begin), lengths, strict=True)
            if length <= PASSAGE_TOKENS
        ]
        passages.append(" ".join(words[begin : fitting[-1]]))
        begin = fitting[-1]
    return passages


def _ends(begin: int) -> range:
    return range(begin + 1, begin + PASSAGE_TOKENS, 2)


def bench_refresh(runs: int) -> list[Result]:
    """Looking for changes among many notes when there are none: `ask` with it and without."""
    env = {"RAGQA_EMBEDDER": "hashed:256"}
    with tempfile.TemporaryDirectory() as folder:
        write_notes(Path(folder) / "notes")
        places = ["--corpus", f"{folder}/notes", "--index", f"{folder}/index"]
        run_child([*COMMAND, "index", *places], env)
        ask = [*COMMAND, "ask", "What does note 77 say?", *places]
        with_refresh, without = map(
            seconds,
            take_turns(
                runs,
                lambda: run_child(ask, env),
                lambda: run_child([*ask, "--no-refresh"], env),
            ),
        )
    extra = statistics.median(a - b for a, b in zip(with_refresh, without, strict=True))
    name = f"refresh of {REFRESH_NOTES} unchanged notes, on top of ask --no-refresh"
    return [Result(name, Spread.of(with_refresh), Spread.of(without), "s", extra, 0.3)]


def write_notes(folder: Path) -> None:
    """Write small notes, a hundred a folder, each with words of its own."""
    for number in range(REFRESH_NOTES):
        path = folder / f"{number // 100:03}" / f"note-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"# Note {number}\n\nThis is what note {number} says about topic {number % 97}: "
            f"the answer is {number * 7919 % 10007}.\n\nIt has a second paragraph, too.\n"
        )


def show(results: Sequence[Result]) -> None:
    """Print a table."""
    for result in results:
        sign = ">=" if result.at_least else "<="
        print(f"\n{result.name}")
        print(f"  ragqa     {result.subject} {result.unit}")
        if result.baseline is not None:
            print(f"  beside    {result.baseline} {result.unit}")
        verdict = "met" if result.met else "NOT MET"
        print(f"  figure    {result.figure:.3g}  budget {sign} {result.budget}  {verdict}")


BENCHES: dict[str, Callable[[int], list[Result]]] = {
    "help": bench_help,
    "ask": bench_ask,
    "build": bench_build,
    "refresh": bench_refresh,
}


def main() -> None:
    """Run the benchmarks asked for; exit with 1 where a budget is not met."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=BENCHES, action="append", help="may be given again")
    parser.add_argument("--runs", type=int, default=7, help="turns that count (default 7)")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    args = parser.parse_args()
    machine = describe_machine()
    print(json.dumps(machine, indent=2))
    results: list[Result] = []
    for name in args.only or BENCHES:
        found = BENCHES[name](args.runs)
        show(found)
        results += found
    if args.out:
        figures = [{**asdict(result), "met": result.met} for result in results]
        args.out.write_text(json.dumps({"machine": machine, "results": figures}, indent=2) + "\n")
    sys.exit(0 if all(result.met for result in results) else 1)


if __name__ == "__main__":
    main()
