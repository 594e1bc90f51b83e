"""Are notes answered from as well in other formats as in Markdown? Prints a table.

    python eval/formats.py --notes corpus --questions eval/excerpts.jsonl --dir /tmp/formats

Converts each note with pandoc, which must be installed (the package pypandoc_binary has it), and
prints its HTML as PDF with Chromium. The same questions are then asked of each format. An answer is
good as in `ragqa eval`, but compared with the gold by words, since each format has a text of its
own; quotes, in place of gold excerpts, must only be covered. `--notes` and `--questions` may be
repeated, in pairs.
"""

import argparse
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from ragqa import open_index
from ragqa.config.settings import OPTIONAL_FORMATS
from ragqa.evaluation.excerpts import GOOD_COVERAGE, GOOD_NOISE
from ragqa.evaluation.statistics import interval, mean
from ragqa.text.markdown import plain_text
from ragqa.types import Citation, Kind

FORMATS = {"html": "html", "org": "org", "ipynb": "ipynb", "docx": "docx", "pdf": ""}
"""By suffix, what pandoc calls a format; a PDF is printed by the browser."""

_READ_AS = "gfm+yaml_metadata_block"
_WORD = re.compile(r"\w+")

Words = Counter[tuple[str, str]]
"""How often each word is in each note, the note by its path without the suffix."""


def main() -> None:
    """Convert the notes, ask all questions of each format, and compare with Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--notes", type=Path, action="append", required=True)
    parser.add_argument("--questions", type=Path, action="append", required=True)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--formats", nargs="+", default=list(FORMATS))
    args = parser.parse_args()
    pairs = list(zip(args.notes, args.questions, strict=True))
    base = [answered(notes, asked, args.dir / "index") for notes, asked in pairs]
    print("| notes | questions | format | good answers | difference | interval |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (notes, asked), found in zip(pairs, base, strict=True):
        print(f"| {notes.name} | {len(found)} of {asked.name} | md | {mean(found):.3f} | | |")
    for suffix in args.formats:
        for (notes, asked), before in zip(pairs, base, strict=True):
            folder = args.dir / suffix / notes.name
            convert(notes, folder, suffix)
            found = answered(folder, asked, args.dir / f"index-{suffix}", suffix)
            differences = [one - other for one, other in zip(found, before, strict=True)]
            low, high = interval(differences)
            print(
                f"| {notes.name} | {len(found)} of {asked.name} | {suffix} | {mean(found):.3f} "
                f"| {mean(differences):+.3f} | {low:+.3f} to {high:+.3f} |",
                flush=True,
            )


def convert(notes: Path, folder: Path, suffix: str) -> None:
    """Convert each Markdown note of a folder, unless that was done before; copy texts."""
    for text in notes.rglob("*.txt"):
        copy = folder / text.relative_to(notes)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(text, copy)
    for note in sorted(notes.rglob("*.md")):
        made = (folder / note.relative_to(notes)).with_suffix(f".{suffix}")
        if made.exists():
            continue
        made.parent.mkdir(parents=True, exist_ok=True)
        if suffix == "pdf":
            page = made.with_suffix(".print.html")
            _pandoc(note, page, "html")
            _print(page, made)
            page.unlink()
        else:
            _pandoc(note, made, FORMATS[suffix])


def _pandoc(note: Path, made: Path, to: str) -> None:
    title = f"--metadata=pagetitle:{note.stem}"
    command = ["pandoc", f"--from={_READ_AS}", f"--to={to}", "--standalone", title, "--wrap=none"]
    subprocess.run([*command, f"--output={made}", note], check=True, capture_output=True)


def _print(page: Path, made: Path) -> None:
    browser = shutil.which("chromium") or "google-chrome"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    command = [browser, *flags, f"--print-to-pdf={made.resolve()}", page.resolve().as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def answered(notes: Path, asked: Path, indexes: Path, suffix: str = "md") -> list[float]:
    """Whether each question gets a good answer from a folder of notes, as 0 or 1."""
    settings = {"formats": suffix if suffix in OPTIONAL_FORMATS else ""}
    with open_index(notes, index=indexes / notes.name, settings=settings) as index:
        index.refresh()
        rows = [json.loads(line) for line in asked.read_text("utf-8").splitlines()]
        return [
            float(is_good(index.ask(row["question"], refresh=False).citations, row))
            for row in rows
            if row.get("excerpts") or row.get("gold")
        ]


def is_good(cited: Iterable[Citation], row: Mapping[str, Any]) -> bool:
    """Whether an answer covers the gold, by words; if that is whole excerpts, with little else."""
    said = _words((one.path, one.as_read) for one in cited)
    most = GOOD_NOISE if row.get("excerpts") else 1.0
    parts: dict[int, list[Words]] = {}
    for one in row.get("excerpts") or row["gold"]:
        parts.setdefault(one["part"], []).append(_words([(one["note"], one["quote"])]))
    return any(_is_good(said, chosen, most) for chosen in product(*parts.values()))


def _is_good(said: Words, parts: Sequence[Words], most_noise: float) -> bool:
    coverage = mean([(part & said).total() / part.total() for part in parts])
    wanted = Words()
    for part in parts:
        wanted |= part
    noise = (said - wanted).total() / said.total() if said else 1.0
    return coverage >= GOOD_COVERAGE and noise <= most_noise


def _words(texts: Iterable[tuple[str, str]]) -> Words:
    return Words(word for path, text in texts for word in _words_of(path, text))


def _words_of(path: str, text: str) -> Iterator[tuple[str, str]]:
    note = path.rpartition(".")[0]
    for word in _WORD.findall(plain_text(text, kind=Kind.PARAGRAPH).casefold()):
        yield note, word


if __name__ == "__main__":
    main()
