"""Ask the questions about the vault, and count the good answers for each feature of Obsidian.

A question is good if what is cited covers the gold and is mostly from the gold's notes, nothing in
`never` is cited or offered, and the answer shows each text in `shows` and none in `hides`. The rest
of a gold's own note is not counted as noise, since these notes are so short that an answer often
shows a whole section. One that the notes do not answer is good if nothing in `never` comes up.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ragqa.api import Index
from ragqa.config import load_settings
from ragqa.errors import RagqaError
from ragqa.evaluation.excerpts import GOOD_COVERAGE, GOOD_NOISE, Excerpt, score_citations
from ragqa.getting import get_part
from ragqa.types import Citation, Filters

HERE = Path(__file__).parent
VAULT = HERE / "vault"

TODAY = date(2026, 5, 20)
"""The day on which the questions are asked, a Wednesday."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question brought; `problem` is "" if that is good."""

    row: Row
    problem: str
    text: str


def gold_of(row: Row) -> list[list[Excerpt]]:
    """The gold excerpts of each part of a question."""
    parts: dict[int, list[Excerpt]] = {}
    for one in row["excerpts"]:
        at = (VAULT / one["note"]).read_text("utf-8").index(one["quote"])
        parts.setdefault(one["part"], []).append(Excerpt(one["note"], at, one["quote"]))
    return list(parts.values())


def ask(index: Index, row: Row) -> Outcome:
    """Ask one question; a question about following a link is an address to get."""
    if row["kind"] == "links followed":
        return follow(index, row)
    filters = Filters(where=row.get("where", ""))
    answer = index.ask(row["question"], filters=filters, refresh=False)
    cited = [(one.path, one.quote) for one in answer.citations]
    offered = [(hit.passage.path, hit.passage.text) for hit in answer.hits]
    problems = [
        f"uses {one['quote']!r}"
        for one in row.get("never", ())
        if any(one["note"] == path and one["quote"] in text for path, text in cited + offered)
    ]
    if gold := gold_of(row):
        paths = {one.path for part in gold for one in part}
        elsewhere = [one for one in answer.citations if one.path not in paths]
        problems += judged(answer.citations, gold, elsewhere)
    problems += [f"lacks {text!r}" for text in row.get("shows", ()) if text not in answer.text]
    problems += [f"shows {text!r}" for text in row.get("hides", ()) if text in answer.text]
    return Outcome(row, "; ".join(problems), answer.text)


def follow(index: Index, row: Row) -> Outcome:
    """Get what a link leads to, and compare its lines with the gold."""
    try:
        part = get_part(index, row["question"], refresh=False)
    except RagqaError as exc:
        return Outcome(row, exc.message, "")
    lines = (VAULT / part.note.path).read_text("utf-8").splitlines(keepends=True)
    first, last = part.lines
    start = sum(map(len, lines[: first - 1])) + part.skip
    quote = "".join(lines[first - 1 : last])[part.skip :]
    span = (start, start + len(quote))
    cited = Citation(1, part.note.path, part.lines, span, part.heading, quote, "", 0.0)
    return Outcome(row, "; ".join(judged([cited], gold_of(row), [cited])), part.text)


def judged(
    citations: Sequence[Citation], gold: list[list[Excerpt]], beside: Sequence[Citation]
) -> list[str]:
    """What is wrong with citations; `beside` are those in which text beyond the gold is noise."""
    coverage = score_citations(citations, gold).coverage
    share = count_all(beside) / max(1, count_all(citations))
    noise = share * (score_citations(beside, gold).noise or 0.0)
    if coverage >= GOOD_COVERAGE and noise <= GOOD_NOISE:
        return []
    return [f"coverage {coverage:.2f}, noise {noise:.2f}"]


def count_all(citations: Sequence[Citation]) -> int:
    """The characters that citations quote."""
    return sum(len(one.quote) for one in citations)


def main() -> None:
    """Print the table; with `--misses`, also what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="show each question that missed")
    parser.add_argument("--kind", help="only this feature")
    chosen = parser.parse_args()
    lines = (HERE / "questions.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if chosen.kind in (None, row["kind"])]
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_settings({"corpus": str(VAULT), "index": folder})
        places = loaded.places
        assert places is not None  # noqa: S101 - the folder is given
        with Index(loaded.settings, places, today=lambda: TODAY) as index:
            index.refresh()
            outcomes = [ask(index, row) for row in rows]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        those = [one for one in outcomes if one.row["kind"] == kind]
        print(f"{kind:16} {sum(not one.problem for one in those):3} of {len(those)}")
    for one in outcomes if chosen.misses else ():
        if one.problem:
            print(f"\n{one.row['id']} {one.row['question']}\n  {one.problem}\n  {one.text!r}")


if __name__ == "__main__":
    main()
