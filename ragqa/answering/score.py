"""Score how well each candidate sentence answers, by the weighted mean of signals.

One signal is how well it fits the type of answer that the question asks for.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from ragqa.answering.reading import Reading, best_cosines
from ragqa.answering.sentences import Candidate, quotation
from ragqa.languages import ENGLISH
from ragqa.readers import Reader, Text
from ragqa.search.question import Question
from ragqa.search.question_kind import QuestionKind
from ragqa.text.dates import (
    Moment,
    dates,
    has_moment,
    mentions_time,
    months_asked,
    months_of,
    times,
)
from ragqa.text.lexicon import STOP_WORDS, UNITS, rows
from ragqa.text.names import has_figure, people, places
from ragqa.text.quantities import Figure, amounts, counts_without_number, number_words
from ragqa.text.words import blank, compiled, index_terms, overlaps, stem, stems, words_in, words_of
from ragqa.types import Citation, Kind, Span, Vector, Vectors


class Signal(NamedTuple):
    """One measure of how well a sentence answers: its weight, and what `why` calls it."""

    weight: float
    words: str


SIGNALS: Mapping[str, Signal] = MappingProxyType(
    {
        "cosine": Signal(1.0, "meaning of the sentence"),
        "maxsim": Signal(1.0, "meaning, word by word"),
        "coverage": Signal(0.7, "words of the question in it"),
        "passage": Signal(1.0, "ranking of its passage"),
        "holds": Signal(0.7, "has the answer type asked for"),
        "figures": Signal(0.7, "figures of the question in it"),
        "reader": Signal(4.0, "question and sentence together"),
    }
)
"""Each signal by its name (docs/decisions/answers.md)."""

NEAR_SHARE = 0.5
"""What has at least this share of what the best sentence has, of score or words, is near."""

REFERENCE_SHARE = 0.5
"""The share of its score that a reference keeps: it has the words of what it names."""

_EMBEDDER_SIGNALS = frozenset({"cosine", "maxsim"})
_UNSCALED = frozenset({"holds", "figures"})

Fit = tuple[Span, float]
"""A span of a sentence that may be the answer, and how well it fits."""

_ONE_WORD = 0.6
_AFTER_PREPOSITION = 0.4
_AFTER_ARTICLE = 0.6
_BY_AGENT = 2.0
"""The fit of a name: one word, "in X" and "the X" are rarely the agent; "written by X" is."""

_TITLE = 0.4
"""A quoted name is mostly the title of a work; this is too low for a short answer."""

_UNPLACED = 0.3
"""A name as a place, without "in" or the like before it."""

_UNCOUNTED = 0.5
"""A number that does not count what the question asks about."""

_MAX_DISTANCE = 5
"""A number counts a noun at most this many words after it, or before it as in a table."""

_MAX_CHARS = 2_000
_LOOK_BACK = 80
"""The most characters read of a sentence, and of the text before a name."""

_QUOTED = r"\"[^\"]{1,200}\"|\u201c[^\u201d]{1,200}\u201d|\u00ab[^\u00bb]{1,200}\u00bb"

_PREPOSITION = (
    r"\b(?:in|at|on|of|to|from|for|near|with|against|than|like|through|between|into)"
    r"(?: the| an?)? $"
)
_ARTICLE = r"\b(?:the|an?|his|her|their) $"
_VERB_BY = r"\b(\w+) (?:and (\w+) )?by (?:[\w-]+ ){0,6}$"
_IN = r"(?i)\b(?:in|at|near|outside|off|on|across|along|into|inside)(?: the)?(?: \w+)? $"
_BECAUSE = (
    r"(?i)\b(?:because|due to|so that|since|therefore|thus|in order to|as a result|reasons?|owing"
    r" to|caused?|causes|leads? to|which (?:makes|means|is why)|so)\b|, to "
)
_CONTACTS = {
    QuestionKind.PHONE: r"(?<![\w.])\+?\(?\d(?:[ ()/.-]{0,2}\d){5,}(?!\w)"
    r"|(?i:\b(?:tel|(?:tele)?phone|mobile|cell)\b)[.:= ]{1,3}(\(?\d(?:[ ()/.-]{0,2}\d)+)(?!\w)",
    QuestionKind.EMAIL: r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    QuestionKind.LINK: r"(?:https?://|(?<![\w@.])[\w-]+(?:\.[\w-]+)*\.[a-z]{2,6}\b)[^\s)>\]]*"
    r"|(?<![\w@.])[a-zA-Z][\w-]*(?:\.[a-zA-Z][\w-]+)+/\w[^\s)>\]]*",
    QuestionKind.ADDRESS: r"\b\d+[a-zA-Z]?,? [^\W\d]\w+|[^\W\d]\w+,? \d+[a-zA-Z]?\b",
}
_GLOSS = (
    r"[\"'\u201d*_`]*(?: ?\([^()]*\))?,? ?(?::|[\u2013\u2014]|- "
    r"|(?:is|are|was|were) (?:an?|the|one|any|how|what|when)\b"
    r"|(?:means?|refers?|stands?|describes?|denotes?)\b|(?:or|also|an?|the) )"
)


def score(
    reading: Reading, candidates: Sequence[Candidate], reader_scores: Sequence[float] = ()
) -> list[Candidate]:
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
    names = [name for name in SIGNALS if name not in left_out]
    readable = reading.question.readable
    weights = {
        name: SIGNALS[name].weight * (readable**2 if name in _EMBEDDER_SIGNALS else 1.0)
        for name in names
    }
    total = sum(weights.values())
    columns = {}
    for name in names:
        column = [signals[name] for signals, _ in measured]
        scaled = column if name in _UNSCALED else _scaled(column)
        columns[name] = [weights[name] / total * value for value in scaled]
    shares = [REFERENCE_SHARE if candidate.refers else 1.0 for candidate in candidates]
    parts = [{name: share * columns[name][i] for name in names} for i, share in enumerate(shares)]
    return [
        replace(candidate, score=sum(part.values()), signals=signals, parts=part, matches=matches)
        for candidate, part, (signals, matches) in zip(candidates, parts, measured, strict=True)
    ]


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
        "holds": answer_fit(question, candidate.text, candidate.language),
        "figures": _figures(question, candidate),
    }
    return signals, matches


def _figures(question: Question, candidate: Candidate) -> float:
    """The share of the question's dates, figures and codes in a candidate or its headings.

    If a note is that of the question's day, only what it says is of that day.
    """
    days = months_asked(question.text)
    rest = blank(question.text, [day.span for day in days])
    words = [word.strip("?!.,;:()'\"") for word in rest.split() if any(map(str.isdigit, word))]
    if not (days or words):
        return 0.0
    own = _dates_of(candidate) if days and not question.day else []
    is_of_day = candidate.hit.passage.path == question.day
    found = [is_of_day or has_moment(own, day) for day in days]
    found += [has_figure(candidate.full_text, word) for word in words]
    return sum(found) / len(found)


def without_other_days(question: Question, scored: Sequence[Candidate]) -> Sequence[Candidate]:
    """Leave out rows and items of other days and months, if one is of what the question names."""
    dated = {one.place: _dates_of(one) for one in scored if one.unit.kind in (Kind.ROW, Kind.ITEM)}
    others = {at for at, own in dated.items() if own and not days_in(question, own)}
    is_told = any(own and at not in others for at, own in dated.items())
    return [one for one in scored if one.place not in others] if is_told else scored


def of_period(question: Question, scored: Sequence[Candidate]) -> Sequence[Candidate]:
    """Only what is of the time that a question is about, if that has about as many of its words.

    The best of it scores as the best of all: scores say how much better one is than another.
    """
    period = question.period
    own = [one for one in scored if period and any(map(period.has, _dates_of(one, "year")))]
    most, near = (max((one.signals["coverage"] for one in of), default=0) for of in (scored, own))
    if not own or near < NEAR_SHARE * most:
        return scored
    lift = max(one.score for one in scored) - max(one.score for one in own)
    return [replace(one, score=one.score + lift) for one in own]


def days_in(question: Question, dates: Iterable[Moment]) -> list[Moment]:
    """The days and months of a question that are among dates; none if a note of the day answers."""
    days = [] if question.day else months_asked(question.text)
    return [day for day in days if has_moment(dates, day)]


def _dates_of(candidate: Candidate, part: str = "month") -> Sequence[Moment]:
    """The dates with this part that stand nearest: in a candidate, above it, else its note's."""
    passage = candidate.hit.passage
    texts = (f"{candidate.unit.full_context} {candidate.text}", passage.trail, passage.note_date)
    found = ([one for one in months_of(text) if part in dict(one.parts)] for text in texts)
    return next(filter(None, found), [])


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


def citation_of(one: Candidate, n: int, old_before: str = "") -> Citation:
    """A candidate as the n-th citation; it is old if its note's date is before `old_before`."""
    passage, unit = one.hit.passage, one.unit
    citation = quotation(passage, [unit], n=n, score=one.score, old_before=old_before)
    return replace(citation, parts={name: round(part, 4) for name, part in one.parts.items()})


def answer_fit(question: Question, text: str, language: str = ENGLISH) -> float:
    """How well a sentence fits the type of answer asked for, 0 to 1; 0 for types without rules.

    Comparisons have none: they do not help to find the sentence (docs/decisions/answers.md).

    :param text: the sentence as plain text.
    """
    if question.kind is QuestionKind.WHY:
        return float(language == ENGLISH and compiled(_BECAUSE).search(text) is not None)
    if question.kind is QuestionKind.DEFINITION:
        return float(language == ENGLISH and _defines(question, text))
    return min(1.0, max((strength for _, strength in fits(question, text, language)), default=0.0))


def cannot_answer(question: Question, text: str, language: str = ENGLISH) -> bool:
    """Whether a sentence certainly lacks the date, figure, name or address asked for.

    That is never certain for places, which have too many forms, nor in another language than
    English.
    """
    if not question.needs_figure or language != ENGLISH or len(text) > _MAX_CHARS:
        return False
    if question.kind is QuestionKind.WHEN:
        return not mentions_time(text)
    if question.kind is QuestionKind.HOW_MANY:
        return not _may_count(question, text)
    if question.kind is QuestionKind.WHO:
        # "Priya" may be a name where it begins a sentence, too.
        return not any(
            text[word.start].isupper() and word.stem and word.term not in question.terms
            for word in words_of(text)
        )
    return not any(fits(question, text))


def fits(question: Question, text: str, language: str = ENGLISH) -> Iterator[Fit]:
    """Yield the possible answers in a sentence, in reading order.

    Only dates, numbers, names and places are found, none that the question has itself, and none in
    another language than English.
    """
    text = text[:_MAX_CHARS]
    if language != ENGLISH:
        return
    if question.kind is QuestionKind.WHEN:
        yield from _times(question, text)
    elif question.kind is QuestionKind.HOW_MANY:
        yield from _numbers(question, text)
    elif question.kind is QuestionKind.WHO:
        yield from _people(question, text)
    elif question.kind is QuestionKind.WHERE:
        yield from _places(question, text)
    elif question.kind in _CONTACTS:
        yield from (
            (found.span(found.lastindex or 0), 1.0)
            for found in compiled(_CONTACTS[question.kind]).finditer(text)
        )


def _times(question: Question, text: str) -> Iterator[Fit]:
    days, hours = dates(text), times(text)
    untimed = [day for day in days if not overlaps(day, hours)]
    for span in sorted([*untimed, *hours]):
        if _new_words(question, text, span):
            yield span, 1.0


def _numbers(question: Question, text: str) -> Iterator[Fit]:
    found = amounts(text)
    yield from _worded(question, text, [amount.number for amount in found])
    for amount in found:
        if not _new_words(question, text, amount.number):
            continue
        after = compiled(r"[\d,;().]").split(text[amount.number[1] :], maxsplit=1)[0]
        counted = ["percent"] if amount.unit == "%" else index_terms(after[:80])[:4]
        if _is_in_unit(question, amount) or any(term in counted for term in question.subject):
            yield amount.span, 1.0
        elif amount.measured or _is_figure(question, text[slice(*amount.number)].casefold()):
            yield amount.span, _UNCOUNTED


def _is_in_unit(question: Question, amount: Figure) -> bool:
    """Whether a question counts in a unit of what the amount measures: "l" for "litres"."""
    return any(
        amount.measures == dimension and stem(name) in question.subject
        for name, (dimension, _) in UNITS.items()
    )


def _worded(question: Question, text: str, numbers: Sequence[Span]) -> Iterator[Fit]:
    """Counts in other words than numbers, such as "unlimited" or "no", of what is asked for."""
    words, whole = words_of(text), counts_without_number(text)
    subjects = [at for at, word in enumerate(words) if word.term in question.subject]
    if subjects:
        yield from ((span, 1.0) for span in whole)
    for span in number_words(text):
        at = len(words_in(text, (0, span[0])))
        if {at + 1, at + 2}.intersection(subjects) and not overlaps(span, [*numbers, *whole]):
            yield span, 1.0


def _is_figure(question: Question, number: str) -> bool:
    """Whether a number is clearly a count: "two" may be about anything."""
    if any(map(str.isdigit, number)) or number in ("twice", "thrice"):
        return True
    return bool(question.subject) and number != "one"


def _may_count(question: Question, text: str) -> bool:
    """Whether a number in a sentence may count what is asked for.

    It may if it is near that word, if it counts nothing else, or if the thing counted has many
    names: people, and units of measurement.
    """
    found = amounts(text)
    if not question.subject:
        # "Every Saturday" tells how often.
        return bool(found or number_words(text) or mentions_time(text))
    if stems("measured").issuperset(question.subject):
        return bool(found or number_words(text))
    if any(_is_in_unit(question, one) for one in found):
        return True
    counts = (one.number for one in found if not one.measured and one.unit != "%")
    spans = [*number_words(text), *counts_without_number(text), *counts]
    words = words_of(text)
    starts = [word.start for word in words]
    subjects = [i for i, word in enumerate(words) if word.term in question.subject]
    numbers = {bisect_left(starts, start) for start, _ in spans}
    if any(abs(i - n) <= _MAX_DISTANCE for i in subjects for n in numbers):
        return True
    anything = {*question.subject} <= stems("people")
    units = [one.unit for one in found if not one.measured and one.unit != "%"]
    return any(anything or not unit or unit in STOP_WORDS for unit in units)


def _people(question: Question, text: str) -> Iterator[Fit]:
    verbs = question.terms.union(
        *(one for row in rows("activities") if (one := {*row.split()}) & question.terms)
    )
    titles = [title.span() for title in compiled(_QUOTED).finditer(text)]
    for span in people(text):
        new_words = _new_words(question, text, span)
        if not new_words:
            continue
        before = text[max(0, span[0] - _LOOK_BACK) : span[0]]
        by = compiled(_VERB_BY).search(before)
        strength = 1.0 if new_words > 1 else _ONE_WORD
        if overlaps(span, titles):
            strength = _TITLE
        elif by and verbs.intersection(index_terms(" ".join(filter(None, by.groups())))):
            strength = _BY_AGENT
        elif compiled(_PREPOSITION).search(before):
            strength *= _AFTER_PREPOSITION
        elif compiled(_ARTICLE).search(before):
            strength *= _AFTER_ARTICLE
        yield span, strength


def _places(question: Question, text: str) -> Iterator[Fit]:
    for span in places(text):
        if _new_words(question, text, span):
            before = text[max(0, span[0] - _LOOK_BACK) : span[0]]
            yield span, 1.0 if compiled(_IN).search(before) else _UNPLACED


def _defines(question: Question, text: str) -> bool:
    """Whether a sentence begins with the term to define, and continues like a definition."""
    article = compiled("(?i)an? |the ").match(text)
    start = article.end() if article else 0
    words = words_in(text, (start, len(text)))[: len(question.subject)]
    if not words or [word.term for word in words] != list(question.subject):
        return False
    return compiled(_GLOSS).match(text, words[-1].end) is not None


def _new_words(question: Question, text: str, span: Span) -> int:
    """The number of content words of a span that the question lacks."""
    terms = (word.term for word in words_in(text, span) if word.stem)
    return sum(term not in question.terms for term in terms)
