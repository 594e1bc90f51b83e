"""Find what a quote was changed into: the most similar sentences of its note."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice, takewhile
from typing import NamedTuple

from rapidfuzz.distance import Indel

from ragqa.passages.parts import unit_spans
from ragqa.text.words import UNSPACED, tokenize
from ragqa.types import Block, Kind, Span

MIN_SIMILARITY = 0.6
"""The minimum similarity of a quote and its successor: the share of words in common, in order.

Measured on 699 sentences, items and rows and on 191 excerpts of three to seven of them, each
edited, or removed to see what is mistaken for it. At 0.6, 96% and 99% are recognised after one word
was replaced, 90% and 94% with a quarter of the words removed, 80% and 79% with a third replaced; 4%
and 1% of those removed have a neighbour as similar (`docs/decisions/verifying.md`).
"""

MAX_WORDS = 500
"""Longer quotes are not compared, as that would take seconds. With default settings ragqa's quotes
are shorter."""

MAX_STEPS = 2_000_000
"""Texts that may take more steps to compare are shown whole, so that a file of many such quotes
does not take minutes. This many take some hundredths of a second; comparing 1,200 characters of the
wiki with the next 1,200 took 1,100,000 at most."""

MAX_STRETCHES = 10_000
"""At most this many runs of sentences are compared with a quote: those nearest to its old place."""

_URL = re.compile(r"https?://[^\s)>\]]+")
_NOT_WORD = re.compile(r"[\W_]+")
_TOKEN = re.compile(rf"(?:~~|[{UNSPACED}]|(?:(?!~~)[^\s{UNSPACED}])+)\s*|\s+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A citable unit of a note, with its words; headings have none."""

    span: Span
    words: Sequence[str]


class Successor(NamedTuple):
    """A span similar to a quote."""

    similarity: float
    span: Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a word diff: the same in both texts, or in only one of them."""

    removed: str
    added: str

    @property
    def is_same(self) -> bool:
        """Whether both texts have it, ignoring white space."""
        return self.removed.split() == self.added.split()


def sentences_of(text: str, blocks: Sequence[Block]) -> list[Sentence]:
    """The citable units of a note, in order."""
    found = []
    for block in blocks:
        is_text = block.kind not in (Kind.HEADING, Kind.RULE)
        for start, end in unit_spans(text, block):
            words = words_of(text[start:end]) if is_text else ()
            found.append(Sentence((start, end), words))
    return found


def successor(sentences: Sequence[Sentence], quote: str, near: int) -> Successor | None:
    """The sentences most similar to a quote, the nearest in a tie; None if nothing is similar.

    :param near: the quote's old offset, in characters.
    """
    words = words_of(quote)
    if not 0 < len(words) <= MAX_WORDS:
        return None
    best: Successor | None = None
    for span, theirs in islice(_stretches(sentences, words, near), MAX_STRETCHES):
        # Its `score_cutoff` would reject a similarity of exactly the minimum.
        similarity = Indel.normalized_similarity(words, theirs)
        if similarity >= MIN_SIMILARITY and (best is None or similarity > best.similarity):
            best = Successor(similarity, span)
    return best


def word_share(words: Sequence[str], theirs: Collection[str]) -> float:
    """The share of a quote's words that a note has; 0 if too few for the minimum similarity.

    A sentence with c of the quote's n words has at least c words, so its similarity is at most
    2c / (n + c).
    """
    common = sum(word in theirs for word in words)
    return common / len(words) if 2 * common >= MIN_SIMILARITY * (len(words) + common) > 0 else 0


def differences(old: str, new: str) -> list[Piece]:
    """A word diff of two texts; any white space counts as one space."""
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
    """The length of the common prefix, in tokens, ignoring white space."""
    same = takewhile(lambda pair: pair[0].rstrip() == pair[1].rstrip(), zip(a, b, strict=False))
    return sum(1 for _ in same)


def _between(a: Sequence[str], b: Sequence[str]) -> list[Piece]:
    """The differences between two texts without their common prefix and suffix."""
    # A word before `~~` equals the same word before a space.
    bare_a, bare_b = ([token.rstrip() for token in tokens] for tokens in (a, b))
    counts = Counter(bare_b)
    # Each match looks at all tokens and all pairs of equal tokens.
    if min(len(a), len(b)) * (len(a) + sum(counts[token] for token in bare_a)) > MAX_STEPS:
        return [Piece("".join(a), "".join(b))]
    matcher = SequenceMatcher(None, bare_a, bare_b, autojunk=False)
    return [Piece("".join(a[i:j]), "".join(b[k:m])) for _, i, j, k, m in matcher.get_opcodes()]


def words_of(text: str) -> list[str]:
    """The words to compare a text by."""
    # A URL is a single word, so that two links to one site are not similar.
    whole = _URL.sub(lambda url: _NOT_WORD.sub("", url[0])[:60], text)
    return tokenize(whole, pairs_only=True)


def _stretches(
    sentences: Sequence[Sentence], words: Sequence[str], near: int
) -> Iterator[tuple[Span, list[str]]]:
    """Yield runs of sentences that may be similar to a quote, with their words, the nearest first.

    A run does not cross a heading, is not too long for the minimum similarity, and begins and ends
    with a sentence that has a third of its words from the quote: fewer would not improve it.
    """
    wanted, longest = set(words), len(words) * (2 / MIN_SIMILARITY - 1)
    is_edge = [3 * sum(w in wanted for w in one.words) >= len(one.words) > 0 for one in sentences]
    starts = [start for start, is_likely in enumerate(is_edge) if is_likely]
    for start in sorted(starts, key=lambda i: abs(sentences[i].span[0] - near)):
        theirs: list[str] = []
        for end in range(start, len(sentences)):
            one = sentences[end]
            theirs = [*theirs, *one.words]
            if not one.words or len(theirs) > longest:
                break
            if is_edge[end]:
                yield (sentences[start].span[0], one.span[1]), theirs
