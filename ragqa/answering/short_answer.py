"""The short answer in a sentence: a date, number, name or place."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ragqa.answering.answer_type import fits
from ragqa.answering.missing import of_subject
from ragqa.answering.sentences import Candidate
from ragqa.languages import ENGLISH
from ragqa.notes.struck import struck_spans
from ragqa.search.question import Question
from ragqa.text.words import overlaps, words_in, words_of
from ragqa.types import Citation, Span

_MIN_FIT = 0.5
_MIN_LEAD = 1.5
"""The least fit of a short answer, and how many times better than the next it must be."""

_BASE_NEARNESS = 0.3
"""The nearness of a fit that is near none of the question's words."""

_SEAM_WORDS = 4


def mark_short_answer(
    citations: Sequence[Citation], question: Question, best: Candidate
) -> tuple[Citation, ...]:
    """The citations, with the short answer marked in the best one.

    It is found in the sentence as shown, in the lines of the question's subject, and marked if its
    quote has it exactly once.
    """
    shown, unit = of_subject(question, best), best.unit
    short = short_answer(question, shown, best.language)
    place = short and place_in(best.quote, shown[slice(*short)])
    if not place:
        return tuple(citations)
    span = unit.start + place[0], unit.start + place[1]
    path = best.hit.passage.path
    return tuple(
        replace(c, span=span)
        if c.path == path and c.chars[0] <= span[0] and span[1] <= c.chars[1]
        else c
        for c in citations
    )


def short_answer(question: Question, text: str, language: str = ENGLISH) -> Span | None:
    """The span of the short answer in a sentence.

    None where question or sentence are in another language than English, the question has no short
    answer, or it is unclear which span it is.

    :param text: the sentence as plain text.
    """
    struck = struck_spans(text)
    standing = [fit for fit in fits(question, text, language) if not overlaps(fit[0], struck)]
    best_fit = max((strength for _, strength in standing), default=0.0)
    # A fit half as good as the best does not compete with it.
    rivals = [fit for fit in standing if fit[1] >= _MIN_FIT and fit[1] > best_fit / 2]
    if len(rivals) < 2:
        return rivals[0][0] if rivals else None
    matched = _question_words(question, text)
    ranked = sorted(
        (
            (strength * (_BASE_NEARNESS + _nearness(matched, text, span)), span)
            for span, strength in rivals
        ),
        reverse=True,
    )
    (best, span), (second, _) = ranked[:2]
    return span if best > _MIN_LEAD * second else None


def place_in(quote: str, text: str) -> Span | None:
    """The span of some whole words in a quote, across line breaks.

    None unless the quote has them exactly once.
    """
    spans = _occurrences(quote, text)
    return spans[0] if len(spans) == 1 else None


def _occurrences(text: str, words: str) -> list[Span]:
    """The spans of some whole words in a text, across line breaks."""
    spaced = r"\s+".join(map(re.escape, words.split()))
    return [match.span() for match in re.finditer(rf"(?<!\w){spaced}(?!\w)", text)]


def _question_words(question: Question, text: str) -> list[tuple[int, Span, str]]:
    """The words that sentence and question share, as (index, span, term)."""
    return [
        (number, (word.start, word.end), word.term)
        for number, word in enumerate(words_of(text))
        if word.term in question.terms
    ]


def _nearness(matched: list[tuple[int, Span, str]], text: str, span: Span) -> float:
    """The nearness of the question's words to a span: 1 for each word next to it, else less.

    A comma, semicolon or bracket between them counts as four words.
    """
    first = len(words_in(text, (0, span[0])))
    last = first + len(words_in(text, span)) - 1
    near: dict[str, float] = {}
    for number, (start, end), term in matched:
        if end <= span[0]:
            words, between = first - number, text[end : span[0]]
        elif start >= span[1]:
            words, between = number - last, text[span[1] : start]
        else:
            continue
        distance = words + _SEAM_WORDS * sum(map(between.count, ",;()"))
        near[term] = max(near.get(term, 0.0), 1 / (1 + distance))
    return sum(near.values())
