"""How well a sentence fits what is asked for, and what in it is the short answer."""

import re
from collections.abc import Iterator, Sequence

from ragqa.answering.candidates import Candidate
from ragqa.languages import ENGLISH
from ragqa.search.question import Question
from ragqa.search.question_kind import QuestionKind
from ragqa.text.dates import dates, times
from ragqa.text.names import people, places
from ragqa.text.quantities import Figure, amounts, counts_without_number, number_words
from ragqa.text.shown import struck_spans
from ragqa.text.words import UNITS, compiled, index_terms, overlaps, rows, stem, words_in, words_of
from ragqa.types import Span

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

_MAX_CHARS = 2_000
_LOOK_BACK = 80
"""The most characters read of a sentence, and of the text before a name."""

_MIN_FIT = 0.5
_MIN_LEAD = 1.5
"""The least fit of a short answer, and how many times better than the next it must be."""

_BASE_NEARNESS = 0.3
"""The nearness of a fit that is near none of the question's words."""

_SEAM_WORDS = 4

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


def fits(question: Question, text: str, language: str = ENGLISH) -> Iterator[Fit]:
    """Yield the possible answers in a sentence, in reading order.

    Only dates, numbers, names and places are found, none of which the question has itself, phone
    numbers, addresses and links, and none of these in another language than English.
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
    names = (name for name, (dimension, _) in UNITS.items() if dimension == amount.measures)
    return any(stem(name) in question.subject for name in names)


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


def place_of_answer(question: Question, excerpt: Candidate) -> tuple[str, Span] | None:
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
