"""The tables of English words in `english.txt`, and what their words mean."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path


@cache
def _tables() -> Mapping[str, Sequence[str]]:
    """The lines of each table by its name."""
    text = Path(__file__).with_name("english.txt").read_text("utf-8")
    tables: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            tables[line.strip("[]")] = lines = []
        elif line and not line.startswith("#"):
            lines.append(line)
    return tables


def rows(name: str) -> Sequence[str]:
    """The lines of a table."""
    return _tables()[name]


def listed(name: str) -> list[str]:
    """The words of a table, in order."""
    return " ".join(rows(name)).split()


@cache
def table(name: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(listed(name))


def one_of(name: str) -> str:
    """A pattern for any word of a table, without a group around it."""
    return "|".join(listed(name))


STOP_WORDS = table("stop words")
CONTRACTED = {
    word.replace("'", ""): word for word in sorted(STOP_WORDS - table("other words")) if "'" in word
}
"""Maps a contraction typed without its apostrophe ("whats") to the correct one."""

STOP_WORDS |= CONTRACTED.keys()

MONTHS = listed("months")
WEEKDAYS = listed("weekdays")
ONES = listed("ones")
TENS = listed("tens")
"""Number words, the first for 0 and for 20."""

SCALES = {word: int(power) for word, power in map(str.split, rows("scales"))}
"""Maps a word after a number to its power of ten."""

UNITS = {
    name: (dimension, Decimal(size))
    for dimension, *words in map(str.split, rows("units"))
    for name, size in zip(words[::2], words[1::2], strict=True)
}
"""Maps a unit to its dimension, and its size in base units."""
