"""The names in a text, and whether another text has a name in some form."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ragqa.analysis import STOP_WORDS, WORD
from ragqa.answering.entities import names
from ragqa.grounding.opposites import words

# A name by its form, wherever it stands: "GPT-4o", "LoRA", "BM25", "max_tokens", "RLHF".
FORMED = re.compile(
    r"(?<![\w@#])(?:"
    r"(?=[\w.@#-]*\d)[^\W\d_][\w.@#-]{0,60}\w"
    r"|[^\W\d_][^\W_]{0,60}(?:_[^\W_]{1,60}){1,9}"
    r"|[^\W\d_]{0,60}[a-z][^\W\d_]{0,60}[A-Z]\w{0,60}"
    r"|[A-Z]{2,}s?"
    r")(?!\w)"
)
_UNIT = re.compile(r"[KMGT]i?B|[kMG]Hz|[kM]W|USD|EUR|GBP|UTC|GMT")
# What names a kind of thing, as a word does: to say "LLM" for "model" is no other name.
_KINDS = words(
    "llm ai ml api json gpu cpu tpu pdf html url http sql xml csv ram ui os id faq sdk cli qa "
    "tv pc usb gps dna ceo"
)
_POSSESSIVE = re.compile(r"['\u2019]s?\Z")
# "Robertson's", "Fedus et al.": a name even where it is the first word.
_FIRST = re.compile(
    r"\W*(?P<name>[A-Z][\w-]*(?:['\u2019]s\b|(?= et al\b| and (?:colleagues|co-\w+|others)\b)))"
)
# Words that begin sentences, before a name or not, and are none themselves.
BEGINNINGS = words(
    "since neither either both while although though because unlike like despite under over within "
    "between before after during once whether only even also each every any all some most many few "
    "such both here there against among beside besides beyond without unless until whereas where "
    "when if as at by for from in of on to with using given per via not no two three four"
)
_NEXT_IS_LISTED = re.compile(r"(?:,|,? and| &) [A-Z]")
_MOST_CHARS = 4


@dataclass(frozen=True, slots=True)
class Name:
    """A word that names something, as written, at these characters of its text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Naming:
    """What a text can name things by: its words, also joined, and their first letters."""

    words: frozenset[str]
    initials: str

    @classmethod
    def of(cls, text: str) -> "Naming":
        """Read a text."""
        plain = [_plain(match[0]) for match in WORD.finditer(text.replace("_", " "))]
        joined = {"".join(pair) for pair in pairwise(plain)}
        joined |= {"".join(three) for three in zip(plain, plain[1:], plain[2:], strict=False)}
        formed = {_plain(match[0]) for match in FORMED.finditer(text)}
        telling = (word for word in plain if word not in STOP_WORDS)
        # "Reinforcement learning from human feedback" is RLHF.
        initials = " ".join("".join(word[:1] for word in each) for each in (plain, telling))
        return cls(frozenset(joined.union(plain, formed)), initials)

    def has(self, name: str) -> bool:
        """Whether the text has the name, or the words that an abbreviation stands for."""
        plain = _plain(name)
        if not plain or not self.words.isdisjoint({plain, plain.removesuffix("s"), f"{plain}s"}):
            return True
        short = name.removesuffix("s")
        is_short = short.isupper() and 1 < len(short) <= _MOST_CHARS
        return is_short and short.casefold() in self.initials


def names_of(text: str) -> list[Name]:
    """The words of a text that name something, in order of their kinds.

    A first word is no name by its capital alone.
    """
    found = [
        Name(match[0], *match.span())
        for match in FORMED.finditer(text)
        if not _UNIT.fullmatch(match[0]) and match[0].casefold().removesuffix("s") not in _KINDS
    ]
    first = _FIRST.match(text)
    if first:
        found.append(Name(first["name"], *first.span("name")))
    taken = [(one.start, one.end) for one in found]
    for start, end in names(text):
        found += [
            name
            for name in _capitals(text, start, end)
            if not any(s < name.end and name.start < e for s, e in taken)
        ]
    return found


def _capitals(text: str, start: int, end: int) -> Iterator[Name]:
    """The capitalised words of a run of them."""
    first = WORD.search(text)
    for word in WORD.finditer(text, start, end):
        said = word[0]
        if not said[0].isupper() or len(said) < 2 or said.casefold() in STOP_WORDS:
            continue
        if _UNIT.fullmatch(said) or said.casefold().removesuffix("s") in _KINDS:
            continue
        is_first = first is not None and first.start() == word.start()
        if is_first and (said.casefold() in BEGINNINGS or not _runs_on(text, word.end())):
            continue
        yield Name(said, *word.span())


def _runs_on(text: str, end: int) -> bool:
    """Whether a first word is followed by a name of the same make: "Johann Rehberger found"."""
    following = WORD.match(text, end + 1)
    if _NEXT_IS_LISTED.match(text, end):
        return True
    return following is not None and following[0].istitle() and text[end] == " "


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", _POSSESSIVE.sub("", name.casefold()))
