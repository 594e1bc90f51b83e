"""Questions from tables: ask for a cell by its column header and row label."""

import random
import re
from collections.abc import Iterator

from ragqa.answering import plain_text
from ragqa.evaluation.generating.places import Material, Place
from ragqa.evaluation.generating.wording import (
    Draft,
    in_english,
    in_sentence_case,
    is_specific,
    topic_of,
)
from ragqa.evaluation.measures import answer_found
from ragqa.text.words import STOP_WORDS, query_terms
from ragqa.types import Kind

MAX_CELLS = 12
MAX_CELL_CHARS = 60
MIN_ANSWER_CHARS = 2
TELLING_TERMS = 3

_BAR = re.compile(r"(?<!\\)\|")
_NAMING = re.compile(r"[^\W\d_]\w|[^\W\d_].*[^\W\d_]|\d[^\W\d_]")
_NOT_ANSWERS = frozenset({"yes", "no", "n/a", "none", "true", "false", "na", "tbd", "unknown"})


def draft_cells(material: Material, rng: random.Random) -> Iterator[Draft]:
    """Yield a question for each cell that has a column header and a row label."""
    for place in material.all_places():
        if place.kind is not Kind.ROW:
            continue
        heads = [head.strip() for head in place.header.split(" | ")]
        cells = [_words(cell) for cell in _BAR.split(place.quote.strip().strip("|"))]
        if len(heads) != len(cells) or not 2 <= len(cells) <= MAX_CELLS or not _is_name(cells[0]):
            continue
        for head, cell in zip(heads[1:], cells[1:], strict=True):
            question = _ask(head, cells[0], place, rng)
            if _is_name(head) and _is_answer(cell) and not answer_found([question], [cell]):
                yield Draft(question, place, cell)


def _words(cell: str) -> str:
    return plain_text(cell, kind=Kind.PARAGRAPH)


def _is_name(words: str) -> bool:
    return len(words) <= MAX_CELL_CHARS and _NAMING.search(words) is not None


def _is_answer(cell: str) -> bool:
    letters = sum(map(str.isalnum, cell))
    return (
        letters >= MIN_ANSWER_CHARS
        and len(cell) <= MAX_CELL_CHARS
        and cell.casefold() not in _NOT_ANSWERS
        and "http" not in cell
    )


def _ask(head: str, label: str, place: Place, rng: random.Random) -> str:
    topic = _topic(place, beside=f"{label} {head}")
    if not in_english(head, label, topic or label):
        return " ".join(filter(None, (topic, label, head)))
    said = in_sentence_case(head)
    phrase = f"{label} {said}".lower()
    if len(query_terms(label)) >= TELLING_TERMS or not topic:
        return phrase
    ways = [f"{topic} {phrase}".lower(), f"{phrase} ({topic})"]
    if said.split()[0].casefold() not in STOP_WORDS:
        ways += [f"{said} of {label} in {topic}", f"{said} of {label} ({topic})"]
    return rng.choice(ways)


def _topic(place: Place, *, beside: str) -> str:
    """The heading above the table, else the topic of the note."""
    nearest = place.headings[-1] if place.headings else ""
    if is_specific(nearest) and not set(query_terms(nearest)) <= set(query_terms(beside)):
        return nearest
    return topic_of(place, beside=beside)
