"""Find what a quote was changed into: the most similar sentences of its note."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from rapidfuzz.distance import Indel

from ragqa.passages.parts import unit_spans
from ragqa.text.words import UNSPACED, tokenize
from ragqa.types import Block, Kind, Span

MIN_SIMILARITY = 0.6
"""The least share of words in common, in order, of a quote and its successor.

`docs/decisions/verifying.md` has how it was chosen.
"""

MAX_WORDS = 500
"""Longer quotes are not compared, which would take seconds; ragqa's are shorter by default."""

MAX_COMPARED = 20_000
"""Texts with more words are shown whole."""

MAX_STRETCHES = 10_000
"""At most this many runs of sentences are compared with a quote: those nearest to its old place."""

_URL = re.compile(r"https?://[^\s)>\]]+")
_NOT_WORD = re.compile(r"[\W_]+")
_TOKEN = re.compile(rf"(?:~~|[{UNSPACED}]|(?:(?!~~)[^\s{UNSPACED}])+)\s*|\s+")

Sentence = tuple[Span, Sequence[str]]
"""A citable unit of a note, with its words; headings have none."""


def sentences_of(text: str, blocks: Sequence[Block]) -> list[Sentence]:
    """The citable units of a note, in order."""
    found: list[Sentence] = []
    for block in blocks:
        is_text = block.kind not in (Kind.HEADING, Kind.RULE)
        spans = unit_spans(text, block)
        found += [(span, words_of(text[slice(*span)]) if is_text else ()) for span in spans]
    return found


def successor(sentences: Sequence[Sentence], quote: str, near: int) -> Span | None:
    """The sentences most similar to a quote, the nearest in a tie; None if nothing is similar.

    :param near: the quote's old offset, in characters.
    """
    words = words_of(quote)
    if not 0 < len(words) <= MAX_WORDS:
        return None
    best, highest = None, MIN_SIMILARITY
    for span, theirs in islice(_stretches(sentences, words, near), MAX_STRETCHES):
        # Its `score_cutoff` would reject a similarity of exactly the minimum.
        similarity = Indel.normalized_similarity(words, theirs)
        if similarity > highest or (best is None and similarity == highest):
            best, highest = span, similarity
    return best


def _stretches(
    sentences: Sequence[Sentence], words: Sequence[str], near: int
) -> Iterator[tuple[Span, list[str]]]:
    """Yield runs of sentences that may be similar to a quote, with their words, the nearest first.

    A run does not cross a heading, is not too long for the minimum similarity, and begins and ends
    with a sentence that has a third of its words from the quote: fewer would not improve it.
    """
    wanted, longest = set(words), len(words) * (2 / MIN_SIMILARITY - 1)
    is_edge = [3 * sum(w in wanted for w in own) >= len(own) > 0 for _, own in sentences]
    starts = [start for start, is_likely in enumerate(is_edge) if is_likely]
    for start in sorted(starts, key=lambda i: abs(sentences[i][0][0] - near)):
        theirs: list[str] = []
        for end in range(start, len(sentences)):
            span, own = sentences[end]
            theirs = [*theirs, *own]
            if not own or len(theirs) > longest:
                break
            if is_edge[end]:
                yield (sentences[start][0][0], span[1]), theirs


def words_of(text: str) -> list[str]:
    """The words to compare a text by."""
    # A URL is a single word, so that two links to one site are not similar.
    whole = _URL.sub(lambda url: _NOT_WORD.sub("", url[0])[:60], text)
    return tokenize(whole, pairs_only=True)


def differences(old: str, new: str) -> list[tuple[str, str]]:
    """A word diff of two texts: what was removed and what stands instead, or the same twice.

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
