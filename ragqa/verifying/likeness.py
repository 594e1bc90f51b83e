"""Where a text has the words of a quote, or words like them, and how two texts differ."""

import re
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import groupby, islice

from rapidfuzz.distance import Indel

from ragqa.text.words import UNSPACED, tokenize
from ragqa.types import Span

# Scripts beyond are written without spaces, so a neighbour does not mark a word's end.
_IN_WORD = r"[^\W_\u0e00-\U0010ffff]"

_MAX_PLACES = 5

MIN_SIMILARITY = 0.6
"""The least share of words in common, in order, of a quote and its successor.

`docs/decisions/claims.md` has how it was chosen.
"""

MAX_WORDS = 500
"""Longer quotes are not compared, which would take seconds; ragqa's are shorter by default."""

MAX_COMPARED = 20_000
"""Two texts of which one has more words are shown whole, without a word diff."""

MAX_STRETCHES = 10_000
"""At most this many runs of sentences are compared with a quote: those nearest to its old place."""

_URL = re.compile(r"https?://[^\s)>\]]+")
_NOT_WORD = re.compile(r"[\W_]+")
_TOKEN = re.compile(rf"(?:~~|[{UNSPACED}]|(?:(?!~~)[^\s{UNSPACED}])+)\s*|\s+")

CitableUnit = tuple[Span, Sequence[str]]
"""Where a sentence, item or row stands in a note, and its words; a heading is given none."""


def quote_places(text: str, quote: str, near: int) -> list[Span]:
    """The few occurrences of a quote nearest to an offset, the nearest first, exact ones before.

    White space within it may differ. The quote must not end inside a word or number: `limit: 5`
    occurs in neither `limit: 50` nor `limit: 5.5`.
    """
    words = quote.split()
    if not words or max(words, key=len) not in text:
        return []  # rules out most notes quickly
    pattern = r"\s+".join(map(re.escape, words))
    if re.match(_IN_WORD, words[0]):
        pattern = rf"(?<!{_IN_WORD})(?:(?<!\d[.,])|(?!\d)){pattern}"
    if re.match(_IN_WORD, words[-1][-1]):
        pattern = rf"{pattern}(?!{_IN_WORD})(?:(?![.,]\d)|(?<!\d))"
    spans = (match.span() for match in re.finditer(pattern, text))
    return nsmallest(
        _MAX_PLACES, spans, key=lambda span: (text[slice(*span)] != quote, abs(span[0] - near))
    )


def successor(units: Sequence[CitableUnit], quote: str, near: int) -> Span | None:
    """The sentences most similar to a quote, the nearest in a tie; None if nothing is similar.

    :param near: the quote's old offset, in characters.
    """
    words = compared_words(quote)
    if not 0 < len(words) <= MAX_WORDS:
        return None
    best, highest = None, MIN_SIMILARITY
    for span, theirs in islice(_stretches(units, words, near), MAX_STRETCHES):
        # Its `score_cutoff` would reject a similarity of exactly the minimum.
        similarity = Indel.normalized_similarity(words, theirs)
        if similarity > highest or (best is None and similarity == highest):
            best, highest = span, similarity
    return best


def _stretches(
    units: Sequence[CitableUnit], words: Sequence[str], near: int
) -> Iterator[tuple[Span, list[str]]]:
    """Yield runs of sentences that may be similar to a quote, with their words, the nearest first.

    A run does not cross a heading, is not too long for the minimum similarity, and begins and ends
    with a sentence that has a third of its words from the quote: fewer would not improve it.
    """
    wanted, longest = set(words), len(words) * (2 / MIN_SIMILARITY - 1)
    is_edge = [3 * sum(w in wanted for w in own) >= len(own) > 0 for _, own in units]
    starts = [start for start, is_likely in enumerate(is_edge) if is_likely]
    for start in sorted(starts, key=lambda i: abs(units[i][0][0] - near)):
        theirs: list[str] = []
        for end in range(start, len(units)):
            span, own = units[end]
            theirs = [*theirs, *own]
            if not own or len(theirs) > longest:
                break
            if is_edge[end]:
                yield (units[start][0][0], span[1]), theirs


def compared_words(text: str) -> list[str]:
    """The words to compare a text by."""
    # A URL is a single word, so that two links to one site are not similar.
    whole = _URL.sub(lambda url: _NOT_WORD.sub("", url[0])[:60], text)
    return tokenize(whole, pairs_only=True)


def differences(old: str, new: str) -> list[tuple[str, str]]:
    """A word diff of two texts: pairs of a text removed and its replacement, or of equal texts.

    Any white space counts as one space.
    """
    a, b = (_TOKEN.findall(" ".join(text.split()) + " ") for text in (old, new))
    if max(len(a), len(b)) > MAX_COMPARED:
        return [(old, new)]
    # A word before `~~` equals the same word before a space.
    bare_a, bare_b = ([token.rstrip() for token in tokens] for tokens in (a, b))
    pieces = []
    for _, same in groupby(Indel.opcodes(bare_a, bare_b), lambda step: step.tag == "equal"):
        steps = list(same)
        removed = a[steps[0].src_start : steps[-1].src_end]
        added = b[steps[0].dest_start : steps[-1].dest_end]
        pieces.append(("".join(removed), "".join(added)))
    return pieces
