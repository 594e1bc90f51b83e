"""Examples as the reader takes them: token numbers, and which tokens make up which sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from model import NOT_SUPPORTED, SUPPORT, Reader, folder, group_loss, statement_loss
from records import ANY, SPANS, Group, Passage, Statement
from tokenizers import Tokenizer
from torch import Tensor

QUESTION = 64
SEQUENCE = 224
LABELS = (*SUPPORT, NOT_SUPPORTED)


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence, with the tokens of each sentence of it."""

    ids: tuple[int, ...]
    types: tuple[int, ...]
    sentences: tuple[tuple[int, ...], ...] = ()
    gold: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """An example with its sequences; those of a group are of the passages at `kept`."""

    example: Group | Statement
    rows: tuple[Row, ...]
    kept: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        """The tokens of the longest sequence."""
        return max(len(row.ids) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The three inputs of the reader."""

    ids: Tensor
    mask: Tensor
    types: Tensor


class Laying:
    """Lays out examples as sequences."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder() / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._cls, self._sep = (self._number(token) for token in ("[CLS]", "[SEP]"))

    def read(self, example: Group | Statement) -> Read | None:
        """Lay out an example; None where none of its passages is left after cutting."""
        if isinstance(example, Statement):
            return Read(example, (self._row(example.statement, example.passage, None),))
        laid = [self._row(example.question, it.text, it) for it in example.passages]
        kept = tuple(
            i for i, (row, passage) in enumerate(zip(laid, example.passages, strict=True))
            if row.sentences and (passage.label != SPANS or any(row.gold))
        )  # fmt: skip
        return Read(example, tuple(laid[i] for i in kept), kept) if kept else None

    def _number(self, token: str) -> int:
        return self._tokenizer.encode(token, add_special_tokens=False).ids[0]

    def _row(self, above: str, text: str, passage: Passage | None) -> Row:
        first = self._tokenizer.encode(above, add_special_tokens=False).ids[:QUESTION]
        second = self._tokenizer.encode(text, add_special_tokens=False)
        room = SEQUENCE - len(first) - 3
        ids = (self._cls, *first, self._sep, *second.ids[:room], self._sep)
        skipped = len(first) + 2
        types = (0,) * skipped + (1,) * (len(ids) - skipped)
        if passage is None:
            return Row(ids, types)
        offsets = second.offsets[:room]
        found = [
            tuple(
                i + skipped
                for i, (start, end) in enumerate(offsets)
                if start < stop and end > begin
            )
            for begin, stop in passage.spans
        ]
        is_gold = set(passage.gold)
        gold = [passage.label == ANY or n in is_gold for n in range(len(found))]
        there = [n for n, tokens in enumerate(found) if tokens]
        return Row(ids, types, tuple(found[n] for n in there), tuple(gold[n] for n in there))


def tokens_of(rows: Sequence[Row], device: str) -> Tokens:
    """Sequences as long as the longest of them."""
    longest = max(len(row.ids) for row in rows)
    laid = [
        [[*values, *[0] * (longest - len(values))] for values in column]
        for column in (
            [row.ids for row in rows],
            [(1,) * len(row.ids) for row in rows],
            [row.types for row in rows],
        )
    ]
    ids, mask, types = (torch.tensor(column, device=device) for column in laid)
    return Tokens(ids, mask, types)


def sentence_odds(rows: Sequence[Row], tokens: Tensor, none: Tensor) -> Tensor:
    """The log-odds of every sentence of all sequences, in order: its mean over that of none."""
    where: list[int] = []
    which: list[int] = []
    of_row: list[int] = []
    for number, row in enumerate(rows):
        for sentence in row.sentences:
            where.extend(number * tokens.shape[1] + token for token in sentence)
            which.extend([len(of_row)] * len(sentence))
            of_row.append(number)
    device = tokens.device
    at = torch.tensor(which, device=device)
    values = tokens.float().flatten()[torch.tensor(where, device=device)]
    sums = torch.zeros(len(of_row), device=device).index_add(0, at, values)
    counts = torch.bincount(at, minlength=len(of_row))
    return sums / counts - none.float()[torch.tensor(of_row, device=device)]


def loss_of_groups(reader: Reader, read: Sequence[Read], device: str) -> Tensor:
    """The mean loss of some questions."""
    rows = [row for one in read for row in one.rows]
    laid = tokens_of(rows, device)
    tokens, none, _ = reader(laid.ids, laid.mask, laid.types)
    odds = sentence_odds(rows, tokens, none)
    question = [n for n, one in enumerate(read) for row in one.rows for _ in row.sentences]
    gold = [it for row in rows for it in row.gold]
    return group_loss(
        odds,
        torch.tensor(question, device=device),
        torch.tensor(gold, device=device),
        len(read),
    ).mean()


def loss_of_statements(reader: Reader, read: Sequence[Read], device: str) -> Tensor:
    """The mean loss of some statements."""
    laid = tokens_of([one.rows[0] for one in read], device)
    _, _, support = reader(laid.ids, laid.mask, laid.types)
    labels = [LABELS.index(one.example.label) for one in read if isinstance(one.example, Statement)]
    return statement_loss(support.float(), torch.tensor(labels, device=device)).mean()
