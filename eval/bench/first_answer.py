"""Measures how long a folder that was never indexed takes to answer, beside building its index.

    python eval/bench/first_answer.py corpus
    python eval/bench/first_answer.py --made 1200 --made 10000

Of each folder: `ragqa ask --now` without an index, in turns with `ragqa index` from nothing; and,
once the index is whole, `ragqa ask --now` after a tenth of the notes changed. `--made` makes a
folder of so many notes of 5 kB from the words of `corpus`. Folders of more than `--most-built`
notes are not built, since that takes hours.
"""

import argparse
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from running import RAGQA, Child, describe_machine, run_child

CORPUS = Path(__file__).parents[2] / "corpus"
QUESTION = "When should I fine-tune a model, and what does it cost?"
WORDS, PARAGRAPHS = 75, 10
"""Of a paragraph, and of a note."""

RUNS = 3


def main() -> None:
    """Measure each folder and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--made", type=int, action="append", default=[], metavar="NOTES")
    parser.add_argument("--question", default=QUESTION)
    parser.add_argument("--most-built", type=int, default=2000)
    options = parser.parse_args()
    print(describe_machine(), file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        _first(_made(Path(folder), 1), QUESTION, Path(folder))  # loads the model once
        made = (_made(Path(folder), notes) for notes in options.made)
        for notes in (*map(Path.absolute, options.folders), *made):
            files = [path for path in notes.rglob("*") if path.is_file()]
            built = files if len(files) <= options.most_built else ()
            for line in measured(notes.absolute(), options.question, built, Path(folder)):
                print(line, flush=True)


def measured(notes: Path, question: str, built: Sequence[Path], folder: Path) -> Iterator[str]:
    """The figures of one folder of notes, in lines.

    :param built: its files, or none if building it takes too long.
    :param folder: for indexes.
    """
    answers, builds = [], []
    for _ in range(RUNS):
        answers.append(_first(notes, question, folder))
        builds += [_build(notes, folder)[0]] if built else []
    least = min(answers, key=lambda child: child.seconds)
    yield f"{notes.name}: first answer {least.seconds:.1f} s, {least.peak_mb:.0f} MB"
    if not built:
        return
    build = min(builds, key=lambda child: child.seconds)
    share = least.seconds / build.seconds
    yield f"{notes.name}: building {build.seconds:.1f} s, {share:.3f} of that"
    copy = Path(tempfile.mkdtemp(dir=folder)) / notes.name
    shutil.copytree(notes, copy)
    _, at = _build(copy, folder)
    for file in built[::10]:
        changed = copy / file.relative_to(notes)
        changed.write_text(f"{changed.read_text()}\n\nNow it costs {len(file.name)} more.\n")
    again = run_child([RAGQA, "ask", "--now", question, *at])
    yield f"{notes.name}: after a tenth changed {again.seconds:.1f} s"


def _first(notes: Path, question: str, folder: Path) -> Child:
    return run_child([RAGQA, "ask", "--now", question, *_new_index(notes, folder)])


def _build(notes: Path, folder: Path) -> tuple[Child, list[str]]:
    """What a build took, and the options that name the index."""
    at = _new_index(notes, folder)
    return run_child([RAGQA, "index", *at]), at


def _new_index(notes: Path, folder: Path) -> list[str]:
    return ["--corpus", str(notes), "--index", tempfile.mkdtemp(dir=folder)]


def _made(folder: Path, notes: int) -> Path:
    texts = (path.read_text() for path in sorted(CORPUS.rglob("*.md")))
    words = re.findall(r"[A-Za-z][a-z-]+", " ".join(texts))
    rng, made = random.Random(1), folder / f"made-{notes}"  # noqa: S311 - made up
    for n in range(notes):
        some = (" ".join(rng.choices(words, k=WORDS)) for _ in range(PARAGRAPHS))
        path = made / str(n // 500) / f"{n}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {' '.join(rng.choices(words, k=3))}\n\n" + ".\n\n".join(some))
    return made


if __name__ == "__main__":
    main()
