"""Read the best passages closely, and score how well each of their sentences answers.

The passages are ranked again by late interaction of token vectors (MaxSim). A sentence has the
weighted mean of signals, one of which is how well it fits the type of answer asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ragqa.answering.answer_type import answer_fit
from ragqa.answering.candidates import Candidate, sources_of
from ragqa.embedders import Embedder
from ragqa.rerankers import Reranker
from ragqa.search.question import Question
from ragqa.text.dates import Moment, Period, date_terms, has_moment, months_of
from ragqa.text.names import has_figure
from ragqa.text.shown import struck_spans
from ragqa.text.words import blank, index_terms, is_stop_word, overlaps
from ragqa.types import Hit, Kind, Passage, TokenVectors, Vector, Vectors

MAXSIM_WEIGHT = 0.6
"""The weight of MaxSim relative to the ranking score."""

_CAUTION = 4
"""The power of the share that the embedder can read, for the weight of MaxSim: half understood, it
misleads."""


EMBEDDER_SIGNALS = MappingProxyType({"cosine": 1.0, "maxsim": 1.0})
SIGNALS = MappingProxyType({"coverage": 0.7, "passage": 1.0, "holds": 0.7, "figures": 0.7})
"""The weight of each signal, by its name; a reranker has 1 (docs/decisions/answers.md)."""

NEAR_SHARE = 0.5
"""What has at least this share of what the best sentence has, of score or words, is near."""

REFERENCE_SHARE = 0.5
"""The share of its score that a reference keeps: it has the words of what it names."""

STRUCK_SHARE = 0.9
"""The share that a sentence mostly struck out keeps, so that one that holds comes before it."""

_UNSCALED = frozenset({"holds", "figures"})


@dataclass(frozen=True, slots=True)
class Reading:
    """The question, and the passages as read.

    `hits` are those of the search, the reranked ones first. `tokens` maps a passage's id to its
    token vectors. `query` has those of the question's content words, shape (tokens, dimensions),
    and `query_spans` their characters in the question. All three are empty if the embedder cannot
    read the question.
    """

    question: Question
    hits: tuple[Hit, ...]
    query: Vectors
    query_spans: Sequence[tuple[int, int]]
    tokens: Mapping[int, TokenVectors]

    def of(self, sentence: Candidate) -> tuple[Vectors, Vectors]:
        """The token vectors of a sentence, and of its title and headings.

        Both have the shape (tokens, dimensions). A heading within the passage is that of its
        section alone. Both are empty if the passage was not read.
        """
        passage = sentence.passage
        tokens = self.tokens.get(passage.id)
        if tokens is None:
            return self.query[:0], self.query[:0]
        head = len(passage.trail) + len("\n")
        shift = head - passage.start
        start, end = (at + shift for at in sentence.span)
        inside = [
            (unit.start + shift, unit.end + shift)
            for unit in passage.units
            if unit.kind is Kind.HEADING and unit.section == sentence.unit.section
        ]
        own = [i for i, (s, e) in enumerate(tokens.spans) if s < end and start < e]
        above = [
            i
            for i, (s, e) in enumerate(tokens.spans)
            if e < head or any(s < last and first < e for first, last in inside)
        ]
        return tokens.vectors[own], tokens.vectors[above]


def read(question: Question, found: tuple[Hit, ...], embedder: Embedder) -> Reading:
    """Encode the best passages and rerank them by MaxSim with the question.

    MaxSim is the mean over the question's content tokens of the best cosine with a token of the
    passage (Khattab and Zaharia, "ColBERT", 2020), here with the embedder's own token vectors.
    """
    first = sources_of(found)
    rest = [hit for hit in found if hit not in first]
    if question.by_terms_alone:
        no_tokens = question.vectors.vectors[:0]
        return Reading(question, (*first, *rest), no_tokens, (), {})
    encoded = embedder.embed_sentences([hit.passage.embedded_text for hit in first])
    content = content_tokens(question)
    query = question.vectors.vectors[content]
    closeness = [maxsim(query, tokens.vectors) for tokens in encoded]
    weight = MAXSIM_WEIGHT * question.readable**_CAUTION
    scores = [
        hit.score + weight * (value - min(closeness))
        for hit, value in zip(first, closeness, strict=True)
    ]
    order = sorted(range(len(first)), key=lambda i: -scores[i])
    hits = (*(replace(first[i], score=scores[i]) for i in order), *rest)
    tokens = {hit.passage.id: one for hit, one in zip(first, encoded, strict=True)}
    return Reading(
        question=question,
        hits=hits,
        query=query,
        query_spans=[question.vectors.spans[i] for i in content],
        tokens=tokens,
    )


def content_tokens(question: Question) -> list[int]:
    """Indices of the tokens of the question's content words; all where it has none."""
    words = (word for word in question.words if not is_stop_word(word.text, question.language))
    spans, tokens = [(word.start, word.end) for word in words], question.vectors.spans
    content = [i for i, token in enumerate(tokens) if overlaps(token, spans)]
    return content or list(range(len(tokens)))


def best_cosines(query: Vectors, tokens: Vectors) -> Vector:
    """The best cosine of each query token with the tokens, 0 without any; shape (query tokens,)."""
    if not len(tokens):
        return np.zeros(len(query), dtype=np.float32)
    best: Vector = np.max(query @ tokens.T, axis=1)
    return best


def maxsim(query: Vectors, tokens: Vectors) -> float:
    """The mean best cosine of the query tokens with the tokens, 0 without query tokens."""
    return float(best_cosines(query, tokens).mean()) if len(query) else 0.0


def score(
    reading: Reading, candidates: Sequence[Candidate], reranker_scores: Sequence[float] = ()
) -> list[Candidate]:
    """Score every candidate by the weighted mean of its signals, most of them scaled to 0 to 1.

    `cosine`: of the question and the mean of the sentence's token vectors. `maxsim`: the best
    cosine of each content token of the question with the sentence or its headings, averaged over
    the weaker half, since a good answer leaves no part of the question unmatched. `coverage`: the
    share of the question's idf in the sentence or its headings. `passage`: the ranking score of its
    passage. `holds`: how well the sentence fits the type of answer asked for. `figures`: the share
    of the question's figures it has; these two are not scaled. The first two count as far as the
    embedder can read the question. What a reranker says is added, and changes none of the others.

    :param reranker_scores: of the candidates, in order; empty without a cross-encoder.
    """
    ranked = {hit.passage.id: hit.score for hit in reading.hits}
    measured = [_signals(reading, candidate, ranked) for candidate in candidates]
    by_embedder, has_figures = reading.question.readable**2, any(m["figures"] for m, _ in measured)
    weights = {name: weight * by_embedder for name, weight in EMBEDDER_SIGNALS.items()} | SIGNALS
    weights |= {} if has_figures else {"figures": 0.0}
    total = sum(weights.values())
    columns = []
    for name, weight in weights.items():
        column = [signals[name] for signals, _ in measured]
        scaled = column if name in _UNSCALED else _scaled(column)
        columns.append([weight / total * value for value in scaled])
    scored = []
    for i, candidate in enumerate(candidates):
        share, (signals, matches) = _share_kept(candidate), measured[i]
        reranked = share * (reranker_scores[i] / total) if reranker_scores else 0.0
        own = sum(share * column[i] for column in columns)
        scored.append(
            replace(
                candidate, score=own + reranked, reranked=reranked, signals=signals, matches=matches
            )
        )
    return scored


def read_together(
    reranker: Reranker, question: str, candidates: Sequence[Candidate]
) -> list[float]:
    """The reranker's score of each candidate, half of it for its passage, 0 to 1; empty if none.

    Headings are left out: they have the question's words, and answer nothing.
    """
    passages = {candidate.passage.id: candidate.passage for candidate in candidates}
    quotes = [candidate.quote for candidate in candidates]
    texts = [*quotes, *map(_without_headings, passages.values())]
    if not (scores := reranker.score(question, texts)):
        return []
    whole = dict(zip(passages, scores[len(candidates) :], strict=True))
    own = _scaled(scores[: len(candidates)])
    wholes = _scaled([whole[candidate.passage.id] for candidate in candidates])
    return [(first + second) / 2 for first, second in zip(own, wholes, strict=True)]


def _without_headings(passage: Passage) -> str:
    heads = (head for head in passage.units if head.kind is Kind.HEADING)
    spans = ((head.start - passage.start, head.end - passage.start) for head in heads)
    return blank(passage.text, spans).strip()


def _share_kept(candidate: Candidate) -> float:
    if candidate.refers:
        return REFERENCE_SHARE
    struck = sum(end - start for start, end in struck_spans(candidate.text))
    return STRUCK_SHARE if 2 * struck > len(candidate.text) else 1.0


def _signals(
    reading: Reading, candidate: Candidate, ranked: Mapping[int, float]
) -> tuple[dict[str, float], Vector]:
    """The signals of a candidate, and its match with each token of the question.

    :param ranked: the ranking score of each passage, by its id.
    """
    question = reading.question
    own, above = reading.of(candidate)
    matches = best_cosines(reading.query, own)
    signals = {
        "cosine": _cosine(own, question.vectors.pooled),
        "maxsim": _weaker_half(np.maximum(matches, best_cosines(reading.query, above))),
        "coverage": _coverage(candidate, question.idf),
        "passage": ranked[candidate.passage.id],
        "holds": answer_fit(question, candidate.text, candidate.language),
        "figures": _figures(question, candidate),
    }
    return signals, matches


def _figures(question: Question, candidate: Candidate) -> float:
    """The share of the question's dates, figures and codes in a candidate or its headings."""
    days, figures = question.days, question.figures
    if not (days or figures):
        return 0.0
    own = _dates_of(candidate) if days else []
    shares = [has_moment(own, day) for day in days]
    shares += [has_figure(candidate.full_text, figure) for figure in figures]
    return sum(shares) / len(shares)


def without_other_days(question: Question, scored: Sequence[Candidate]) -> Sequence[Candidate]:
    """Leave out rows and items of other days and months, if one is of what the question names."""
    dated = {one.place: _dates_of(one) for one in scored if one.kind in (Kind.ROW, Kind.ITEM)}
    others = {at for at, own in dated.items() if own and not days_in(question, own)}
    is_told = any(own and at not in others for at, own in dated.items())
    return [one for one in scored if one.place not in others] if is_told else scored


def of_period(question: Question, scored: Sequence[Candidate]) -> Sequence[Candidate]:
    """Only what is of the time that a question is about, if that has about as many of its words.

    A note of a day need not have the day's own words, which the titles of other days' notes share.
    The best of it scores as the best of all: scores say how much better one is than another.
    """
    period = question.period
    own = [one for one in scored if period and any(map(period.has, _dates_of(one, "year")))]
    day = period.since if period and period.since == period.until else ""
    of_day = {*index_terms(day), *date_terms(day)}
    idf = {term: weight for term, weight in question.idf.items() if term not in of_day}
    most, near = (max((_coverage(one, idf) for one in of), default=0) for of in (scored, own))
    if not own or near < NEAR_SHARE * most:
        return scored
    lift = max(one.score for one in scored) - max(one.score for one in own)
    return [replace(one, score=one.score + lift) for one in own]


def is_of_day(question: Question, candidate: Candidate) -> bool:
    """Whether a candidate has the date of the one day that a question is about."""
    dates = _dates_of(candidate, "year")
    return any(question.period == Period(moment.iso, moment.iso) for moment in dates)


def is_of_another_time(question: Question, candidate: Candidate) -> bool:
    """Whether a candidate has a date, and none of the time that a question is about."""
    period, dates = question.period, _dates_of(candidate, "year")
    return period is not None and bool(dates) and not any(map(period.has, dates))


def days_in(question: Question, dates: Iterable[Moment]) -> list[Moment]:
    """The days and months of a question that are among dates."""
    return [day for day in question.days if has_moment(dates, day)]


def _dates_of(candidate: Candidate, part: str = "month") -> Sequence[Moment]:
    """The dates with this part that stand nearest: in a candidate, above it, else its note's."""
    passage = candidate.passage
    texts = (f"{candidate.context} {candidate.text}", passage.trail, passage.note_date)
    dates = ([moment for moment in months_of(text) if part in dict(moment.parts)] for text in texts)
    return next(filter(None, dates), [])


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
