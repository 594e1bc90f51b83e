"""Plain BM25, with passage lengths quantized as in Lucene and tantivy."""

import math
from collections.abc import Mapping

from ragqa.stores.ranking import BM25_B, BM25_K1


def inverse_frequency(passages: int, with_term: int) -> float:
    """The inverse document frequency, ln(1 + (N - n + .5) / (n + .5)).

    Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), in Lucene's variant.
    """
    return math.log1p((passages - with_term + 0.5) / (with_term + 0.5))


def bm25(counts: Mapping[str, int], weights: Mapping[str, float], mean_length: float) -> float:
    """The BM25 score of a passage.

    :param counts: the passage's term frequencies.
    :param weights: the weight of each query term: its count in the query times its inverse
        document frequency.
    :param mean_length: the mean number of terms in a passage.
    """
    length = quantized_length(sum(counts.values()))
    share = length / mean_length if mean_length else 1.0
    damping = BM25_K1 * (1 - BM25_B + BM25_B * share)
    return sum(
        weight * (BM25_K1 + 1) * counts[term] / (counts[term] + damping)
        for term, weight in weights.items()
        if term in counts
    )


def quantized_length(length: int) -> int:
    """A passage's length in terms, quantized to one byte: exact below 40, then in steps."""
    if length < 40:
        return length
    shift = (length - 24).bit_length() - 4
    return 24 + ((length - 24) >> shift << shift)
