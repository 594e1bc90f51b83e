"""How well the reader does on what was held out of training."""

import contextlib
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from batches import Laying, Read, Row, sentence_odds, tokens_of
from model import Reader
from records import NONE, Group, Statement, read_examples

SEED = 3
BATCH = 32

Autocast = Callable[[], contextlib.AbstractContextManager[object]]
Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Held:
    """The questions and statements measured on."""

    groups: tuple[Read, ...]
    statements: tuple[Read, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """The best log-odds of a passage, and where it came from."""

    source: str
    made: str
    answers: bool
    best: float


def held_of(path: Path, groups: int, statements: int, laying: Laying) -> Held:
    """Choose at most so many questions and statements of a file, always the same."""
    rng = random.Random(SEED)  # noqa: S311 - examples, not secrets
    all_groups, all_statements = read_examples(path)
    some = (
        rng.sample(all_groups, min(groups, len(all_groups))),
        rng.sample(all_statements, min(statements, len(all_statements))),
    )
    asked, said = ([laying.read(one) for one in found] for found in some)
    return Held(
        tuple(one for one in asked if one is not None),
        tuple(one for one in said if one is not None),
    )


def auroc(right: Sequence[float], wrong: Sequence[float]) -> float | None:
    """The probability that a right one has more than a wrong one, by ranks, ties counting half."""
    if not right or not wrong:
        return None
    values = np.array([*right, *wrong])
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse][: len(right)]
    above = ranks.sum() - len(right) * (len(right) + 1) / 2
    return round(float(above / (len(right) * len(wrong))), 4)


@torch.inference_mode()
def measure(reader: Reader, held: Held, device: str, autocast: Autocast) -> Figures:
    """The figures of one file: right sentences, and AUROCs of answers and of support."""
    reader.eval()
    with autocast():
        figures = _answers(held.groups, _odds(reader, held.groups, device))
        figures["support"] = _support(reader, held.statements, device)
    reader.train()
    return figures


def _odds(reader: Reader, read: Sequence[Read], device: str) -> list[list[float]]:
    """The log-odds of the sentences of each sequence of all questions, in order."""
    rows = [row for one in read for row in one.rows]
    found: list[list[float]] = [[] for _ in rows]
    for batch in _batches(rows):
        some = [rows[i] for i in batch]
        laid = tokens_of(some, device)
        tokens, none, _ = reader(laid.ids, laid.mask, laid.types)
        odds = iter(sentence_odds(some, tokens, none).tolist())
        for i in batch:
            found[i] = [next(odds) for _ in rows[i].sentences]
    return found


def _batches(rows: Sequence[Row]) -> list[list[int]]:
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].ids))
    return [order[i : i + BATCH] for i in range(0, len(order), BATCH)]


def _answers(read: Sequence[Read], odds: Sequence[Sequence[float]]) -> Figures:
    at = 0
    scored, within, over = [], [], []
    for one in read:
        group, mine = one.example, odds[at : at + len(one.rows)]
        at += len(one.rows)
        if not isinstance(group, Group):
            continue
        best = max(max(found) for found in mine)
        rights = []
        for row, number, found in zip(one.rows, one.kept, mine, strict=True):
            passage = group.passages[number]
            scored.append(Scored(group.source, passage.made, passage.label != NONE, max(found)))
            right = max((o for o, gold in zip(found, row.gold, strict=True) if gold), default=None)
            if right is not None and not all(row.gold):
                within.append(right == max(found))
            if right is not None:
                rights.append(right)
        if len({gold for row in one.rows for gold in row.gold}) > 1:
            over.append(max(rights) == best)
    return {"sentence": _mean(within), "in_group": _mean(over), **_aurocs(scored)}


def _mean(right: Sequence[bool]) -> float | None:
    return round(sum(right) / len(right), 4) if right else None


def _aurocs(scored: Sequence[Scored]) -> Figures:
    """Each kind of passage that does not answer, against those of the same sets that do."""
    kinds: dict[str, list[Scored]] = defaultdict(list)
    for one in scored:
        if not one.answers:
            kinds[one.made].append(one)
    found: Figures = {}
    for kind, wrong in sorted(kinds.items()):
        sources = {one.source for one in wrong}
        right = [one.best for one in scored if one.answers and one.source in sources]
        found[f"answerable {kind}"] = auroc(right, [one.best for one in wrong])
    right = [one.best for one in scored if one.answers]
    found["answerable"] = auroc(right, [one.best for one in scored if not one.answers])
    return found


def _support(reader: Reader, read: Sequence[Read], device: str) -> float | None:
    supported: list[float] = []
    others: list[float] = []
    rows = [one.rows[0] for one in read]
    for batch in _batches(rows):
        laid = tokens_of([rows[i] for i in batch], device)
        _, _, logits = reader(laid.ids, laid.mask, laid.types)
        for i, p in zip(batch, torch.softmax(logits.float(), 1)[:, 0].tolist(), strict=True):
            one = read[i].example
            if isinstance(one, Statement):
                (supported if one.label == "supported" else others).append(p)
    return auroc(supported, others)
