"""Words with a meaning of their own: synonyms, negations, numbers, units, months."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache

from ragqa.text.words import index_terms, word_set


@cache
def stem(word: str) -> str:
    """The index term of a word."""
    terms = index_terms(word)
    return terms[-1] if terms else ""


_SYNONYMS = """
    keep kept retain retained retention store stored hold held
    start started begin began begins begun open opens opened launch launched
    end ended ends finish finished expire expires expiry until
    limit limited cap capped
    maximum max
    minimum min
    cost costs price priced pay paid
    deploy deployed deployment release released ship shipped came
    need needs needed require requires required necessary
    evaluation eval
    memory ram
    database databases db
    use used uses using
    rotate rotated rotation
    fine-tune finetune fine-tuning
    publish published appear appeared
    support supported supports
    run ran running
    delete deleted remove removed
    config configuration configure configured
    repository repo
    documentation docs
    application app
    buy bought purchase purchased
    mean average avg
    participants subjects
    write wrote written
    request requests req reqs
    people persons person
"""
CANONICAL: Mapping[str, str] = {
    stem(word): stem(line.split()[0])
    for line in _SYNONYMS.strip().splitlines()
    for word in line.split()
}
"""Maps a stem to the first of its synonyms."""


def canonical(word: str) -> str:
    """The canonical stem of a word and its synonyms."""
    found = stem(word)
    return CANONICAL.get(found, found)


NEGATORS = word_set("not no never cannot neither nor none without nobody nothing")
"""Words that negate a sentence, as does `n't`."""

_ONES = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
"""
ONES = tuple(_ONES.split())
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
TENS = tuple(_TENS.split())
"""Number words, the first for 0 and for 20."""

SCALES = {
    "k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "bn": 9, "billion": 9, "t": 12,
    "trillion": 12,
}  # fmt: skip
"""Maps a word after a number to its power of ten."""

_SIZES = {
    "time": "ms 0.001 millisecond 0.001 s 1 sec 1 second 1 min 60 minute 60 h 3600 hr 3600 "
    "hour 3600 day 86400 week 604800 month 2629800 year 31557600",
    "bytes": "byte 1 kb 1e3 mb 1e6 gb 1e9 tb 1e12 kib 1024 mib 1048576 gib 1073741824",
    "distance": "mm 0.001 cm 0.01 m 1 metre 1 meter 1 km 1000 kilometre 1000 kilometer 1000 "
    "mile 1609",
    "weight": "mg 0.001 g 1 gram 1 kg 1000",
    "share": "% 1 percent 1",
    "$": "$ 1 dollar 1 usd 1",
    "€": "€ 1 euro 1 eur 1",
    "£": "£ 1 pound 1 gbp 1",
    "°c": "°c 1",
    "°f": "°f 1",
}


def _units() -> Iterator[tuple[str, tuple[str, Decimal]]]:
    for dimension, listed in _SIZES.items():
        words = listed.split()
        for name, size in zip(words[::2], words[1::2], strict=True):
            yield name, (dimension, Decimal(size))


UNITS: Mapping[str, tuple[str, Decimal]] = dict(_units())
"""Maps a unit to its dimension, and its size in base units."""

PERIODS = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year",
           "annually": "year", "hourly": "hour"}  # fmt: skip
"""Maps an adverb to the period of a rate."""

MONTHS = "january february march april may june july august september october november december"
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"
