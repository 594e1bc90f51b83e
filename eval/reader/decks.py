"""Which examples each step of training takes."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batches import Laying, Read
from records import Group, Statement, read_examples

QUESTIONS = 12
STATEMENTS = 12
AHEAD = 8
"""How many steps are drawn at once and cut by length."""

State = dict[str, tuple[int, int]]


class Deck:
    """Examples drawn in an order of their own each time around."""

    def __init__(self, name: str, examples: Sequence[Group | Statement]) -> None:
        self.name = name
        self._examples = examples
        self._around, self._at = 0, 0
        self._order = self._shuffled()

    def __len__(self) -> int:
        return len(self._examples)

    @property
    def state(self) -> tuple[int, int]:
        """How often it went around, and where it is."""
        return self._around, self._at

    def resume(self, state: tuple[int, int]) -> None:
        """Go on from where a deck of the same examples was."""
        self._around, self._at = state[0], min(state[1], len(self))
        self._order = self._shuffled()

    def draw(self) -> Group | Statement:
        """The next example."""
        if self._at >= len(self._order):
            self._around, self._at = self._around + 1, 0
            self._order = self._shuffled()
        self._at += 1
        return self._examples[self._order[self._at - 1]]

    def _shuffled(self) -> list[int]:
        order = list(range(len(self._examples)))
        random.Random(f"{self.name} {self._around}").shuffle(order)  # noqa: S311 - not secrets
        return order


@dataclass(frozen=True, slots=True)
class Step:
    """What one step learns from."""

    groups: tuple[Read, ...]
    statements: tuple[Read, ...]


class Table:
    """The decks of a folder; that of the notes is laid anew when its file changes."""

    def __init__(
        self,
        folder: Path,
        notes_share: float,
        questions: int = QUESTIONS,
        statements: int = STATEMENTS,
    ) -> None:
        self._laying = Laying()
        self.questions, self.statements = questions, statements
        self._notes = folder / "notes-train.jsonl"
        self._share = notes_share
        self._rng = random.Random(0)  # noqa: S311 - not secrets
        asked, said = read_examples(folder / "train.jsonl")
        self._decks = {"groups": Deck("groups", asked), "statements": Deck("statements", said)}
        self._changed = 0.0
        self.look()

    def look(self) -> bool:
        """Read the notes again if they changed."""
        changed = self._notes.stat().st_mtime if self._notes.exists() else 0.0
        if changed == self._changed:
            return False
        groups, statements = read_examples(self._notes)
        self._decks["notes groups"] = Deck(f"notes groups {changed}", groups)
        self._decks["notes statements"] = Deck(f"notes statements {changed}", statements)
        self._changed = changed
        return True

    def steps(self) -> list[Step]:
        """Draw the next steps: each of examples alike in length, in no order."""
        groups = self._cut("groups", self.questions)
        statements = self._cut("statements", self.statements)
        return [Step(*both) for both in zip(groups, statements, strict=True)]

    @property
    def state(self) -> State:
        """Where each deck is."""
        return {name: deck.state for name, deck in self._decks.items()}

    def resume(self, state: State) -> None:
        """Go on with each deck from where it was."""
        for name, where in state.items():
            if name in self._decks:
                self._decks[name].resume(where)

    def _cut(self, name: str, each: int) -> list[tuple[Read, ...]]:
        notes = self._decks.get(f"notes {name}")
        of_notes = round(self._share * each * AHEAD) if notes else 0
        found = [self._read(self._decks[name]) for _ in range(each * AHEAD - of_notes)]
        if notes:
            found += [self._read(notes) for _ in range(of_notes)]
        found.sort(key=lambda one: one.length)
        cut = [tuple(found[i * each : (i + 1) * each]) for i in range(AHEAD)]
        self._rng.shuffle(cut)
        return cut

    def _read(self, deck: Deck) -> Read:
        while True:
            read = self._laying.read(deck.draw())
            if read is not None:
                return read
