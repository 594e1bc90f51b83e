"""Find the names in a text, and look one up in another text in any form."""

import re
from dataclasses import dataclass
from itertools import pairwise

from ragqa.languages import ENGLISH
from ragqa.text.entities import names
from ragqa.text.words import STOP_WORDS, WORD, word_set

# A name by its form, anywhere: "GPT-4o", "LoRA", "BM25", "max_tokens", "RLHF".
NAME_SHAPE = re.compile(
    r"(?<![\w@#])(?:"
    r"(?=[\w.@#-]{0,61}\d)[^\W\d_][\w.@#-]{0,60}\w"
    r"|[^\W\d_][^\W_]{0,60}(?:_[^\W_]{1,60}){1,9}"
    r"|[^\W\d_]{0,60}[a-z][^\W\d_]{0,60}[A-Z]\w{0,60}"
    r"|[A-Z]{2,}s?"
    r")(?!\w)"
)
_UNIT = re.compile(r"[KMGT]i?B|[kMG]Hz|[kM]W|USD|EUR|GBP|UTC|GMT")
# Abbreviations that are common nouns: "LLM" for "model" is not a different name.
_KINDS = word_set(
    "llm ai ml api json gpu cpu tpu pdf html url http sql xml csv ram ui os id faq sdk cli qa "
    "tv pc usb gps dna ceo"
)
_POSSESSIVE = re.compile(r"['\u2019]s?\Z")
# "Robertson's", "Fedus et al.": a name even as the first word.
_LEADING_NAME = re.compile(
    r"\W*(?P<name>[A-Z][\w-]*(?:['\u2019]s\b|(?= et al\b| and (?:colleagues|co-\w+|others)\b)))"
)
_MAX_ABBREVIATION = 4


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written, at `start` to `end` of its text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NameIndex:
    """The forms of names in a text: its words, adjacent words joined, and their initials."""

    words: frozenset[str]
    initials: str

    @classmethod
    def of(cls, text: str) -> "NameIndex":
        """Index the names of a text."""
        plain = [_plain(match[0]) for match in WORD.finditer(text.replace("_", " "))]
        joined = {"".join(pair) for pair in pairwise(plain)}
        joined |= {"".join(three) for three in zip(plain, plain[1:], plain[2:], strict=False)}
        formed = {_plain(match[0]) for match in NAME_SHAPE.finditer(text)}
        content = (word for word in plain if word not in STOP_WORDS)
        # "Reinforcement learning from human feedback" is RLHF.
        initials = " ".join("".join(word[:1] for word in each) for each in (plain, content))
        return cls(frozenset(joined.union(plain, formed)), initials)

    def has(self, name: str) -> bool:
        """Whether the text has the name, or the words it abbreviates."""
        plain = _plain(name)
        if not plain or not self.words.isdisjoint({plain, plain.removesuffix("s"), f"{plain}s"}):
            return True
        short = name.removesuffix("s")
        is_short = short.isupper() and 1 < len(short) <= _MAX_ABBREVIATION
        return is_short and short.casefold() in self.initials


def names_of(text: str, language: str = ENGLISH) -> list[Name]:
    """The names in a text, grouped by how they were found.

    A first word is not a name by its capital alone, and no word in another language than English.
    """
    found = [Name(match[0], *match.span()) for match in NAME_SHAPE.finditer(text)]
    if language != ENGLISH:
        return [name for name in found if not _is_kind(name.text)]
    leading, first = _LEADING_NAME.match(text), WORD.search(text)
    if leading:
        found.append(Name(leading["name"], *leading.span("name")))
    taken = [(one.start, one.end) for one in found]
    for word in (word for span in names(text) for word in WORD.finditer(text, *span)):
        start, end = word.span()
        is_name = word[0][0].isupper() and end - start > 1 and word[0].casefold() not in STOP_WORDS
        is_first = first is not None and first.start() == start
        if is_name and not is_first and not any(s < end and start < e for s, e in taken):
            found.append(Name(word[0], start, end))
    return [name for name in found if not _is_kind(name.text)]


def _is_kind(written: str) -> bool:
    """Whether a form that looks like a name is a unit or a common noun."""
    lower = written.casefold()
    return _UNIT.fullmatch(written) is not None or lower.removesuffix("s") in _KINDS


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", _POSSESSIVE.sub("", name.casefold()))
