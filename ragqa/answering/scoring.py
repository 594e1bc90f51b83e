"""Score how well each candidate sentence answers, by the weighted mean of signals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType

import numpy as np

from ragqa.answering.answer_type import answer_fit
from ragqa.answering.candidates import Candidate, quotation
from ragqa.answering.reading import Reading, best_cosines
from ragqa.readers import Reader, Text
from ragqa.search.question import Question
from ragqa.search.question_kind import QuestionKind
from ragqa.text.names import has_figure
from ragqa.types import Citation, Kind, Vector, Vectors

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "cosine": 1.0,
        "maxsim": 1.0,
        "coverage": 0.7,
        "passage": 1.0,
        "holds": 0.7,
        "figures": 0.7,
        "reader": 4.0,
    }
)
"""The weight of each signal (docs/decisions/answers.md, docs/decisions/reader.md)."""

_EMBEDDER_SIGNALS = frozenset({"cosine", "maxsim"})
_UNSCALED = frozenset({"holds", "figures"})


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its score, 0 to 1.

    `signals` are unscaled, `parts` are their contributions to the score. `matches` has the best
    cosine of each content token of the question with the candidate's tokens, shape (tokens,).
    """

    candidate: Candidate
    score: float
    signals: Mapping[str, float]
    parts: Mapping[str, float]
    matches: Vector


def score(
    reading: Reading, candidates: Sequence[Candidate], reader_scores: Sequence[float] = ()
) -> list[Scored]:
    """Score every candidate by the weighted mean of its signals, most of them scaled to 0 to 1.

    `cosine`: of the question and the mean of the sentence's token vectors. `maxsim`: the best
    cosine of each content token of the question with the sentence or its headings, averaged over
    the weaker half, since a good answer leaves no part of the question unmatched. `coverage`: the
    share of the question's idf in the sentence or its headings. `passage`: the ranking score of its
    passage. `holds`: how well the sentence fits the type of answer asked for. `figures`: the share
    of the question's figures it has; these two are not scaled. `reader`: a reader's score of
    question and sentence. The first two count as far as the embedder can read the question.

    :param reader_scores: of the candidates, in order; empty without a reader that ranks.
    """
    measured = [_signals(reading, candidate) for candidate in candidates]
    if reader_scores:
        for (signals, _), reader_score in zip(measured, reader_scores, strict=True):
            signals["reader"] = reader_score
    left_out = set(_EMBEDDER_SIGNALS) if reading.question.by_terms_alone else set()
    left_out |= set() if reader_scores else {"reader"}
    left_out |= set() if any(signals["figures"] for signals, _ in measured) else {"figures"}
    names = [name for name in WEIGHTS if name not in left_out]
    weights = {name: _weight(name, reading.question.readable) for name in names}
    total = sum(weights.values())
    columns = {}
    for name in names:
        column = [signals[name] for signals, _ in measured]
        scaled = column if name in _UNSCALED else _scaled(column)
        columns[name] = [weights[name] / total * value for value in scaled]
    parts = [{name: columns[name][i] for name in names} for i in range(len(candidates))]
    return [
        Scored(candidate, sum(part.values()), signals, part, matches)
        for candidate, part, (signals, matches) in zip(candidates, parts, measured, strict=True)
    ]


def _weight(name: str, readable: float) -> float:
    """The weight of a signal; one of the embedder's counts as far as it reads both texts."""
    return WEIGHTS[name] * (readable**2 if name in _EMBEDDER_SIGNALS else 1.0)


def read_together(reader: Reader, question: str, candidates: Sequence[Candidate]) -> list[float]:
    """The reader's score of each candidate; empty if it does not rank.

    :param candidates: grouped by passage.
    """
    if not reader.ranks or not candidates:
        return []
    texts = []
    for _, each in groupby(candidates, key=lambda one: one.hit.passage.id):
        own = list(each)
        passage = own[0].hit.passage
        spans = ((one.unit.start - passage.start, one.unit.end - passage.start) for one in own)
        texts.append(Text(passage.trail, passage.text, tuple(spans)))
    return [reader_score for scores in reader.score(question, texts) for reader_score in scores]


def _signals(reading: Reading, candidate: Candidate) -> tuple[dict[str, float], Vector]:
    """The signals of a candidate, and its match with each token of the question."""
    question = reading.question
    own, above = reading.of_unit(candidate.hit.passage, candidate.unit)
    matches = best_cosines(reading.query, own)
    signals = {
        "cosine": _cosine(own, question.vectors.pooled),
        "maxsim": _weaker_half(np.maximum(matches, best_cosines(reading.query, above))),
        "coverage": _coverage(candidate, question.idf),
        "passage": candidate.hit.score,
        "holds": _answer_fit(question, candidate),
        "figures": _figures(question.text, candidate),
    }
    return signals, matches


def _answer_fit(question: Question, candidate: Candidate) -> float:
    """How well a candidate fits the type of answer; a key with its value is no definition."""
    keyed = candidate.unit.kind in (Kind.HEADING, Kind.PROPERTY)
    if keyed and question.kind is QuestionKind.DEFINITION:
        return 0.0
    return answer_fit(question, candidate.text, candidate.language)


def _figures(question: str, candidate: Candidate) -> float:
    """The share of the question's figures and codes in a candidate or its headings."""
    words = [word for word in question.split() if any(map(str.isdigit, word))]
    if not words:
        return 0.0
    return sum(has_figure(candidate.full_text, word.strip("?!.,;:()'\"")) for word in words) / len(
        words
    )


def _cosine(own: Vectors, question: Vector) -> float:
    """The cosine of a sentence's mean token vector with the question; 0 where it has none.

    Tokens are encoded with the whole passage, so they know what "it" refers to.
    """
    if not len(own):
        return 0.0
    pooled = own.mean(axis=0)
    return float(pooled @ question) / max(float(np.linalg.norm(pooled)), 1e-9)


def _weaker_half(cosines: Vector) -> float:
    if not len(cosines):
        return 0.0
    return float(np.sort(cosines)[: max(1, len(cosines) // 2)].mean())


def _coverage(candidate: Candidate, idf: Mapping[str, float]) -> float:
    total = sum(idf.values())
    terms = candidate.terms
    return sum(weight for term, weight in idf.items() if term in terms) / total if total else 0.0


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values, default=0.0), max(values, default=0.0)
    if high > low:
        return [(value - low) / (high - low) for value in values]
    # All are equal, but a signal that none has must not count as if all had it.
    return [float(high > 0)] * len(values)


def citation_of(one: Scored, n: int, old_before: str = "") -> Citation:
    """A candidate as the n-th citation; it is old if its note's date is before `old_before`."""
    passage, unit = one.candidate.hit.passage, one.candidate.unit
    citation = quotation(passage, [unit], n=n, score=one.score, old_before=old_before)
    return replace(citation, parts={name: round(part, 4) for name, part in one.parts.items()})
