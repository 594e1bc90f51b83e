"""The few characters of a sentence that answer a question directly: a date, number, name, place."""

import re

from ragqa.analysis import WORD, index_terms
from ragqa.answering.answer_type import fits
from ragqa.answering.entities import Span
from ragqa.answering.question_type import Question, QuestionKind, parse_question

_MIN_FIT = 0.5
_MIN_LEAD = 1.5
"""What is marked fits at least so well, and so many times as well as the next."""

_BASE_NEARNESS = 0.3
"""How near to the question's words a fit counts that is near to none."""

_SEAM_WORDS = 4
_SEAMS = re.compile(r"[,;()]")
_ITALIC = re.compile(
    r"(?<![*\w])\*(?![*\s])[^*]{1,200}\*(?!\*)|(?<![_\w])_(?![_\s])[^_]{1,200}_(?![_\w])"
)


def short_answer(question: str, text: str) -> Span | None:
    """The characters of a sentence that answer a question directly.

    None where the question asks for nothing so short, or it is not clear which characters do.

    :param text: the sentence as a reader sees it.
    """
    parsed = parse_question(question)
    found = list(fits(parsed, text))
    best_fit = max((strength for _, strength in found), default=0.0)
    # What fits half as well as the best does not compete with it.
    rivals = [fit for fit in found if fit[1] >= _MIN_FIT and fit[1] > best_fit / 2]
    if len(rivals) < 2:
        return rivals[0][0] if rivals else None
    matched = _question_words(parsed, text)
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
    """Where a few words stand in a quote, as whole words on one line or more.

    None where they do not stand in it exactly once.
    """
    found = _places(quote, text)
    return found[0] if len(found) == 1 else None


def counterpart(text: str, span: Span, other: str) -> Span | None:
    """Where the words at some characters of a text stand in another form of it.

    None where the one does not have them as often as the other: it is not clear which they are.
    """
    words = text[slice(*span)]
    here, there = _places(text, words), _places(other, words)
    return there[here.index(span)] if span in here and len(here) == len(there) else None


def _places(text: str, words: str) -> list[Span]:
    """Where some words stand in a text, as whole words on one line or more."""
    spaced = r"\s+".join(map(re.escape, words.split()))
    return [match.span() for match in re.finditer(rf"(?<!\w){spaced}(?!\w)", text)]


def is_title(question: str, quote: str, span: Span) -> bool:
    """Whether a name that is to be a person's stands in italics, as titles of works do."""
    if parse_question(question).kind is not QuestionKind.WHO:
        return False
    return any(
        italic.start() < span[1] and span[0] < italic.end() for italic in _ITALIC.finditer(quote)
    )


def _question_words(parsed: Question, text: str) -> list[tuple[int, Span, str]]:
    """The words of a sentence that the question says too: number, characters, term."""
    return [
        (number, word.span(), term)
        for number, word in enumerate(WORD.finditer(text))
        for term in index_terms(word[0])
        if term in parsed.terms
    ]


def _nearness(matched: list[tuple[int, Span, str]], text: str, span: Span) -> float:
    """How near the question's words stand to these characters: 1 for each next to them, else less.

    A comma, semicolon or bracket between them is as far as some words.
    """
    first = sum(1 for _ in WORD.finditer(text, 0, span[0]))
    last = first + sum(1 for _ in WORD.finditer(text, *span)) - 1
    near: dict[str, float] = {}
    for number, (start, end), term in matched:
        if end <= span[0]:
            words, between = first - number, text[end : span[0]]
        elif start >= span[1]:
            words, between = number - last, text[span[1] : start]
        else:
            continue
        distance = words + _SEAM_WORDS * len(_SEAMS.findall(between))
        near[term] = max(near.get(term, 0.0), 1 / (1 + distance))
    return sum(near.values())
