"""Compares an index in a file of Milvus Lite with the local one; prints Markdown tables.

    python eval/bench/milvus.py --dir /tmp/milvus --runs 7

Both indexes are built from the wiki and kept in --dir. The first table says what a question and a
refresh cost, the second whether both answer alike. What is timed takes turns, after one that does
not count.
"""

import argparse
import shutil
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from running import RAGQA, Child, disk_mb, ratios, run_child, seconds, take_turns
from warm import Laps

from ragqa.api import Index, open_index
from ragqa.evaluation.evaluating import evaluate_questions
from ragqa.evaluation.sets import Question, read_questions
from ragqa.types import Answer, no_progress

REPOSITORY = Path(__file__).resolve().parents[2]
QUESTION = "When should I fine-tune a model rather than prompt it?"
STORES = ("local", "milvus")
MEASURES = ("recall@5", "ndcg@10", "shown@3")
UNCOUNTED = 5
FIRST = 5


def kept(folder: Path, store: str) -> str:
    """The setting that names one of the stores."""
    return store if store == "local" else str(folder / store / "notes.db")


def in_store(folder: Path, store: str, *words: str) -> list[str]:
    """A command about the index in one of the stores."""
    places = ["--corpus", str(folder / "notes"), "--index", str(folder / store)]
    return ["env", f"RAGQA_STORE={kept(folder, store)}", RAGQA, *words, *places]


def agreement(indexes: Sequence[Index], questions: Sequence[Question]) -> Iterator[str]:
    """Whether both indexes answer alike; and how long finding passages takes in each."""
    laps = Laps()
    answers: list[list[Answer]] = []
    for number, one in enumerate([*questions[:UNCOUNTED], *questions]):
        if number == UNCOUNTED:
            laps, answers = Laps(), []
        for name, index in zip(STORES, indexes, strict=True):
            laps.time(name, partial(index.search, one.question, refresh=False))
        answers.append([index.ask(one.question, refresh=False) for index in indexes])
    documents = [evaluate_questions(index, questions, no_progress, name="") for index in indexes]
    yield from _heading(f"{len(questions)} questions")
    for name in MEASURES:
        found = [{**document["methods"]["hybrid"], **document}[name] for document in documents]
        yield _row(name, [f"{value:.4f}" for value in found])
    same = [[_cited(answer) for answer in pair] for pair in answers]
    yield _row("the same citations", ["", f"{statistics.mean(a == b for a, b in same):.2%}"])
    ranked = [[[hit.passage.id for hit in a.hits[:FIRST]] for a in pair] for pair in answers]
    alike = statistics.mean(a == b for a, b in ranked)
    yield _row(f"the same first {FIRST} passages in the same order", ["", f"{alike:.2%}"])
    furthest = max(
        abs(mine.score - theirs.score)
        for ours, other in answers
        for mine, theirs in zip(ours.hits[:FIRST], other.hits[:FIRST], strict=False)
    )
    yield _row("largest difference of a score there", ["", f"{furthest:.1e}"])
    for quantile in ("p50_ms", "p95_ms"):
        found = [laps.quantiles()[name][quantile] for name in STORES]
        yield _row(f"`search` in a running process, {quantile[:3]}, ms", found)


def _cited(answer: Answer) -> list[tuple[str, tuple[int, int]]]:
    return [(citation.path, citation.chars) for citation in answer.citations]


def costs(folder: Path, runs: int) -> Iterator[str]:
    """What commands take, each in a process of its own."""
    asked = _by_turns(runs, folder, "ask", QUESTION)
    none = _by_turns(runs, folder, "index")
    note = folder / "notes" / "changing.md"

    def change(store: str) -> Child:
        with note.open("a", encoding="utf-8") as file:
            file.write(f"\nThe river rose again, for the {file.tell()}th time.\n")
        return run_child(in_store(folder, store, "index"))

    one = take_turns(runs, *(partial(change, store) for store in STORES))
    note.unlink()
    yield from _heading("in a process of its own")
    for name, found in (
        ("a question", asked),
        ("`ragqa index`, nothing changed", none),
        ("`ragqa index`, one note changed", one),
    ):
        ratio = ratios(seconds(found[1]), seconds(found[0]))
        medians = [f"{statistics.median(seconds(each)):.2f}" for each in found]
        yield _row(f"{name}, s", [medians[0], f"{medians[1]}, {ratio:.1f}x"])
        yield _row(
            "peak memory of that, MB", [f"{max(c.peak_mb for c in each):.0f}" for each in found]
        )
    yield _row("on disk, MB", [f"{disk_mb(folder / store):.1f}" for store in STORES])


def _by_turns(runs: int, folder: Path, *words: str) -> list[list[Child]]:
    commands = [in_store(folder, store, *words) for store in STORES]
    return take_turns(runs, *(partial(run_child, command) for command in commands))


def _heading(what: str) -> Iterator[str]:
    yield f"\n| {what} | local | Milvus Lite, file |"
    yield "| --- | ---: | ---: |"


def _row(what: str, cells: Sequence[object]) -> str:
    return f"| {what} | {' | '.join(map(str, cells))} |"


def main() -> None:
    """Build both indexes and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dir", type=Path, required=True, help="where the indexes are kept")
    parser.add_argument("--runs", type=int, default=7, help="turns that count (default 7)")
    parser.add_argument("--questions", type=int, help="no more than so many questions")
    args = parser.parse_args()
    folder: Path = args.dir.resolve()
    shutil.copytree(REPOSITORY / "corpus", folder / "notes", dirs_exist_ok=True)
    for store in STORES:
        run_child(in_store(folder, store, "index"), answers=(0,))
    print("\n".join(costs(folder, args.runs)), flush=True)
    asked = read_questions(REPOSITORY / "eval" / "questions.jsonl")
    # A store in Milvus cannot list its terms, so no misspelt word is corrected there.
    questions = [one for one in asked if one.kind != "misspelt"][: args.questions]
    # The last, since a file of Milvus Lite stays open in the process that opened it.
    with ExitStack() as opened:
        indexes = [
            opened.enter_context(
                open_index(
                    folder / "notes",
                    index=folder / store,
                    settings={"store": kept(folder, store)},
                )
            )
            for store in STORES
        ]
        print("\n".join(agreement(indexes, questions)))


if __name__ == "__main__":
    main()
