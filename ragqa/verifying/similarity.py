"""What a quote was changed into: the sentences of its note that read most like it now."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import NamedTuple

from ragqa.analysis import UNSPACED, tokenize
from ragqa.passages import unit_spans
from ragqa.types import Block, Kind

Span = tuple[int, int]

LIKE_FROM = 0.6
"""Words in common, in order, as a share of both: from here on one is taken for the other.

Measured on 892 sentences, items and rows of 150 notes, each edited, or taken out of its note to
see what is wrongly taken for it. From 0.6 on 94% are known again after one word was replaced, 95%
with a quarter of the words left out and 72% with a third replaced; 5% of those taken out have a
neighbour as like. From 0.5 on these would be 8%; from 0.7 on only 47% with a third replaced.
"""

MAX_WORDS = 500
"""Longer quotes are not compared: it would take seconds. Those of ragqa are shorter, with the
settings that it has by itself."""

MAX_STEPS = 2_000_000
"""What may take more steps to compare is shown as a whole, so that a file of many such quotes takes
no minutes. These are some hundredths of a second; 1,200 characters of the wiki, held against the
next 1,200, took 1,100,000 at most."""

_SEEDS = 20

_STEP = 3
"""A stretch grows by so many sentences at once, since new ones may stand between the old."""

_URL = re.compile(r"https?://[^\s)>\]]+")
_NOT_WORD = re.compile(r"[\W_]+")
_TOKEN = re.compile(rf"(?:~~|[{UNSPACED}]|(?:(?!~~)[^\s{UNSPACED}])+)\s*|\s+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch of a note that can be cited alone, with its words; headings have none."""

    span: Span
    words: Sequence[str]


class Successor(NamedTuple):
    """What reads like a quote, and how much: the larger one is the likelier one."""

    likeness: float
    span: Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of two texts that are compared: the same in both, or of only one of them."""

    removed: str
    added: str

    @property
    def is_same(self) -> bool:
        """Whether it stands in both; white space may follow it in only one."""
        return self.removed.split() == self.added.split()


def sentences_of(text: str, blocks: Sequence[Block]) -> list[Sentence]:
    """All that can be cited of a note, in order."""
    found = []
    for block in blocks:
        is_text = block.kind not in (Kind.HEADING, Kind.RULE)
        for start, end in unit_spans(text, block):
            words = words_of(text[start:end]) if is_text else ()
            found.append(Sentence((start, end), words))
    return found


def successor(sentences: Sequence[Sentence], quote: str, near: int) -> Successor | None:
    """What reads most like a quote, the nearest of equals; None if nothing does.

    :param near: the character at which the quote stood.
    """
    words = words_of(quote)
    if not 0 < len(words) <= MAX_WORDS:
        return None
    best: tuple[float, int, Span] | None = None
    for start, end in _stretches(sentences, Counter(words), near):
        span = sentences[start].span[0], sentences[end - 1].span[1]
        theirs = [word for one in sentences[start:end] for word in one.words]
        likeness = SequenceMatcher(None, words, theirs).ratio()
        best = max(best or (0, 0, span), (likeness, -abs(span[0] - near), span))
    return Successor(best[0], best[2]) if best is not None and best[0] >= LIKE_FROM else None


def share_held(words: Sequence[str], theirs: Collection[str]) -> float:
    """The share of a quote's words that a note has; 0 where so few are not enough for likeness.

    A sentence that has c of the quote's n words has at least c itself, and 2c / (n + c) at most.
    """
    common = sum(word in theirs for word in words)
    return common / len(words) if 2 * common >= LIKE_FROM * (len(words) + common) > 0 else 0


def differences(old: str, new: str) -> list[Piece]:
    """What was removed and added, word by word; white space counts as one space."""
    a, b = (_TOKEN.findall(" ".join(text.split()) + " ") for text in (old, new))
    first = _common(a, b)
    last = _common(a[first:][::-1], b[first:][::-1])
    pieces = [
        Piece("".join(a[:first]), "".join(b[:first])),
        *_between(a[first : len(a) - last], b[first : len(b) - last]),
        Piece("".join(a[len(a) - last :]), "".join(b[len(b) - last :])),
    ]
    return [piece for piece in pieces if piece.removed or piece.added]


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """How many tokens two texts begin with alike."""
    alike = takewhile(lambda pair: pair[0].rstrip() == pair[1].rstrip(), zip(a, b, strict=False))
    return sum(1 for _ in alike)


def _between(a: Sequence[str], b: Sequence[str]) -> list[Piece]:
    """The differences of two texts without what they begin and end with alike."""
    # A word is the same before `~~` and before a space.
    bare_a, bare_b = ([token.rstrip() for token in tokens] for tokens in (a, b))
    counts = Counter(bare_b)
    # Each match takes a look at all tokens and at all pairs of equal ones.
    if min(len(a), len(b)) * (len(a) + sum(counts[token] for token in bare_a)) > MAX_STEPS:
        return [Piece("".join(a), "".join(b))]
    matcher = SequenceMatcher(None, bare_a, bare_b, autojunk=False)
    return [Piece("".join(a[i:j]), "".join(b[k:m])) for _, i, j, k, m in matcher.get_opcodes()]


def words_of(text: str) -> list[str]:
    """The words by which texts are compared."""
    # Two links to one site are not alike: a URL counts as a single word.
    whole = _URL.sub(lambda url: _NOT_WORD.sub("", url[0])[:60], text)
    return tokenize(whole, pairs_only=True)


def _stretches(
    sentences: Sequence[Sentence], wanted: Counter[str], near: int
) -> Iterator[tuple[int, int]]:
    """Stretches of sentences that share most words with a quote, from one up to the other."""
    shares = [(_share(wanted, Counter(one.words)), i) for i, one in enumerate(sentences)]
    likely = [(share, -abs(sentences[i].span[0] - near), i) for share, i in shares if share]
    seeds = [i for _, _, i in sorted(likely, reverse=True)[:_SEEDS]]
    yield from dict.fromkeys(_grown(sentences, wanted, seed) for seed in seeds)


def _grown(sentences: Sequence[Sentence], wanted: Counter[str], seed: int) -> tuple[int, int]:
    """A sentence with those around it: one may have been split or put between, or two joined."""
    start, end = seed, seed + 1
    held = Counter(sentences[seed].words)
    share = _share(wanted, held)
    while True:
        wider = []
        for n in range(1, _STEP + 1):
            for first, last in ((start - n, end), (start, end + n)):
                new = [*sentences[max(0, first) : start], *sentences[end:last]]
                if len(new) == n and all(one.words for one in new):
                    more = held + Counter(word for one in new for word in one.words)
                    wider.append((_share(wanted, more), (first, last), more))
        best = max(wider, key=lambda each: each[0], default=None)
        if best is None or best[0] <= share:
            return start, end
        share, (start, end), held = best


def _share(wanted: Counter[str], held: Counter[str]) -> float:
    """Words in common, in any order, as a share of both; no less than the likeness."""
    return 2 * (wanted & held).total() / (wanted.total() + held.total())
