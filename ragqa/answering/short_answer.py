"""The short answer in a sentence: a date, number, name or place."""

import re

from ragqa.answering.answer_type import fits
from ragqa.answering.stretch import Stretch
from ragqa.languages import ENGLISH
from ragqa.notes.struck import struck_spans
from ragqa.search.question import Question
from ragqa.text.words import overlaps, words_in, words_of
from ragqa.types import Span

_MIN_FIT = 0.5
_MIN_LEAD = 1.5
"""The least fit of a short answer, and how many times better than the next it must be."""

_BASE_NEARNESS = 0.3
"""The nearness of a fit that is near none of the question's words."""

_SEAM_WORDS = 4


def place_of_answer(question: Question, excerpt: Stretch) -> tuple[str, Span] | None:
    """The path and characters of the short answer in the sentence that an excerpt is around.

    None if it is unclear, or the sentence's quote does not have it exactly once.
    """
    short = short_answer(question, excerpt.text, excerpt.language)
    sentence = excerpt.alone
    place = short and place_in(sentence.quote, excerpt.text[slice(*short)])
    start = sentence.span[0]
    return (excerpt.path, (start + place[0], start + place[1])) if place else None


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
    # The words that sentence and question share.
    matched = [
        (number, (word.start, word.end), word.term)
        for number, word in enumerate(words_of(text))
        if word.term in question.terms
    ]
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
    spaced = r"\s+".join(map(re.escape, text.split()))
    spans = [match.span() for match in re.finditer(rf"(?<!\w){spaced}(?!\w)", quote)]
    return spans[0] if len(spans) == 1 else None


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
