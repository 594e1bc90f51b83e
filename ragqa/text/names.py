"""Find the names in a text, and look one up in another text in any form."""

import re
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from ragqa.languages import ENGLISH
from ragqa.text.dates import dates, times
from ragqa.text.words import (
    ONES,
    STOP_WORDS,
    WORD,
    compiled,
    joined,
    overlaps,
    table,
    words_in,
    words_of,
)
from ragqa.types import Span

_CAPITAL = "A-Z\u00c0-\u00d6\u00d8-\u00de"
_NAME_WORD = (
    r"(?:(?:Dr|Mr|Mrs|Ms|St|Prof|Jr|Sr|[A-Z])\.(?:[A-Z]\.)*"
    rf"|[{_CAPITAL}](?:[\w'\u2019-]|[.&](?=\w))*)"
)
_LINKING = "(?:of|de|da|del|della|der|den|di|du|la|le|van|von|bin|al|el|y|the|for|and|&)"
_NAME = rf"(?<![\w'\u2019-]){_NAME_WORD}(?: (?:{_LINKING} ){{0,2}}{_NAME_WORD})*"
_LISTED = rf", (?:and )?[{_CAPITAL}]| (?:and|&) [{_CAPITAL}]"
_NATION = r"[\w-]+(?:[ei]an|ican|rman|ish|ese)|French|Dutch|Greek|Welsh|Scottish"

_GROUPED = r"(?<=\d),(?=\d{3}(?!\d))"
_EDGES = "*_`[]<>{}$\u20ac\u00a3%~\u2013\u2014-"
_SMALL_NUMBERS = ONES[:13]
NAME_SHAPE = (
    r"(?<![\w@#])(?:"
    r"(?=[\w.@#-]{0,61}\d)[^\W\d_][\w.@#-]{0,60}\w"
    r"|[^\W\d_][^\W_]{0,60}(?:_[^\W_]{1,60}){1,9}"
    r"|[^\W\d_]{0,60}[a-z][^\W\d_]{0,60}[A-Z]\w{0,60}"
    r"|[A-Z]{2,}s?"
    r")(?!\w)"
)
"""A name by its form, anywhere: "GPT-4o", "LoRA", "BM25", "max_tokens", "RLHF"."""

_UNIT = r"[KMGT]i?B|[kMG]Hz|[kM]W|USD|EUR|GBP|UTC|GMT"
_POSSESSIVE_OR_MARK = r"['\u2019]s?\Z|[\W_]"
# "Robertson's", "Fedus et al.": a name even as the first word.
_LEADING_NAME = (
    r"\W*(?P<name>[A-Z][\w-]*(?:['\u2019]s\b|(?= et al\b| and (?:colleagues|co-\w+|others)\b)))"
)
_MAX_ABBREVIATION = 4


class Name(Struct, frozen=True):
    """A name as written, at `start` to `end` of its text."""

    text: str
    start: int
    end: int


class NameIndex(Struct, frozen=True):
    """The forms of names in a text: its words, adjacent words joined, and their initials."""

    words: frozenset[str]
    initials: str

    @classmethod
    def of(cls, text: str) -> "NameIndex":
        """Index the names of a text."""
        plain = [_plain(match[0]) for match in WORD.finditer(text.replace("_", " "))]
        runs = {"".join(pair) for pair in pairwise(plain)}
        formed = {_plain(match[0]) for match in compiled(NAME_SHAPE).finditer(text)}
        content = (word for word in plain if word not in STOP_WORDS)
        # "Reinforcement learning from human feedback" is RLHF.
        initials = " ".join("".join(word[:1] for word in each) for each in (plain, content))
        return cls(frozenset(runs.union(plain, formed)), initials)

    def has(self, name: str) -> bool:
        """Whether the text has the name, or the words it abbreviates."""
        plain = _plain(name)
        if not plain or not self.words.isdisjoint({plain, plain.removesuffix("s"), f"{plain}s"}):
            return True
        short = name.removesuffix("s")
        is_short = short.isupper() and 1 < len(short) <= _MAX_ABBREVIATION
        return is_short and short.casefold() in self.initials


def names_of(text: str, language: str = ENGLISH) -> list[Name]:
    """The names in a text; a first word, or one that is not English, needs more than a capital."""
    candidates = [Name(match[0], *match.span()) for match in compiled(NAME_SHAPE).finditer(text)]
    if language == ENGLISH:
        leading = compiled(_LEADING_NAME).match(text)
        if leading:
            candidates.append(Name(leading["name"], *leading.span("name")))
        taken = [(name.start, name.end) for name in candidates]
        for word in (word for span in names(text) for word in words_in(text, span)):
            start, end = span = word.start, word.end
            is_name = text[start].isupper() and end - start > 1 and word.text not in STOP_WORDS
            if is_name and start != words_of(text)[0].start and not overlaps(span, taken):
                candidates.append(Name(text[start:end], start, end))
    return [  # some look like a name, but are a unit or a common noun
        name
        for name in candidates
        if not compiled(_UNIT).fullmatch(name.text)
        and name.text.casefold().removesuffix("s") not in table("kinds")
    ]


def _plain(name: str) -> str:
    return compiled(_POSSESSIVE_OR_MARK).sub("", name.casefold())


def names(text: str) -> list[Span]:
    """The runs of capitalised words, without nationalities or a first word outside a list."""
    taken = [*dates(text), *times(text)]
    spans = []
    for match in compiled(_NAME).finditer(text):
        words = [(word.start, word.end) for word in words_in(text, match.span())]
        while words and _is_not_name(text, words[0]):
            words.pop(0)
        while words and compiled(_NATION).fullmatch(text[slice(*words[-1])]):
            words.pop()
        if not words:
            continue
        start, end = words[0][0], words[-1][1]
        opens = len(words) == 1 and start == words_of(text)[0].start
        is_name = not opens or compiled(_LISTED).match(text, end)
        if is_name and end - start > 1 and not overlaps((start, end), taken):
            spans.append((start, end))
    return spans


def people(text: str) -> list[Span]:
    """The names in a text, with a list of names as one: "Cormack, Clarke and Fox"."""
    single = names(text)
    spans: list[Span] = []
    for listed in joined(text, single, (", ", ", and ", ", & ")):
        is_list = " and " in text[slice(*listed)] or " & " in text[slice(*listed)]
        spans += [listed] if is_list else [name for name in single if overlaps(name, [listed])]
    return spans


def places(text: str) -> list[Span]:
    """The names in a text, joined across commas: "Tulsa, Oklahoma"."""
    return joined(text, names(text), (", ",))


def _is_not_name(text: str, word: Span) -> bool:
    written = text[slice(*word)]
    if text[word[1] : word[1] + 1] == ".":  # an initial, also where it is "A."
        return False
    lower, is_nation = written.casefold(), compiled(_NATION).fullmatch(written) is not None
    return is_nation or lower in STOP_WORDS or lower in table("not names")


def has_figure(text: str, word: str) -> bool:
    """Whether a text has a word with digits as a whole, in one of its forms."""
    return _figure(word).search(compiled(_GROUPED).sub("", text)) is not None


@lru_cache(maxsize=1024)
def _figure(word: str) -> re.Pattern[str]:
    """A pattern for a whole name or figure: not "GPT-4" in "GPT-4o", nor 5 in 256."""
    core = compiled(_GROUPED).sub("", word).strip(_EDGES)
    forms = {core}
    if core.isdecimal() and len(core) < 3 and int(core) < len(_SMALL_NUMBERS):
        forms.add(_SMALL_NUMBERS[int(core)])
    elif core.endswith("000") and core.isdecimal():
        forms.add(f"{core[:-3]}k")
    elif core[-1:] in ("k", "K") and core[:-1].isdecimal():
        forms.add(f"{core[:-1]}000")
    # "GPT-4", "GPT 4" and "GPT4" are one name.
    parts = (re.split(r"-|(?<=[^\W\d_])(?=\d)", form) for form in forms)
    written = "|".join(r"[-\s]?".join(map(re.escape, words)) for words in parts)
    longer = r"|-(?-i:[A-Z\d])" if any(map(str.isalpha, core)) else ""
    return re.compile(
        rf"(?<![^\W_])(?<!\d[.,])(?:{written})s?(?![^\W_]|[.,]\d{longer})", re.IGNORECASE
    )
