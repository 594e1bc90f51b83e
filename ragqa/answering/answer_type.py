"""How well a sentence holds what a question asks for, and where in the sentence that stands."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import partial

from ragqa.analysis import STOP_WORDS, WORD, index_terms
from ragqa.answering.entities import (
    Amount,
    Span,
    amounts,
    dates,
    number_words,
    people,
    places,
    tells_time,
    times,
)
from ragqa.answering.question_type import Asked, QuestionKind

Fit = tuple[Span, float]
"""Characters of a sentence that may be what is asked for, and how well they fit."""

_ONE_WORD = 0.6
_BEHIND_PREPOSITION = 0.4
_BEHIND_ARTICLE = 0.6
_DOER = 2.0
"""Of a name: a single word, "in X" and "the X" are seldom who did it; "written by X" is."""

_TITLE = 0.4
"""Of a name in quotation marks, which mostly is a work's; too little for a short answer."""

_FROM_PLACE = 0.6
_UNPLACED = 0.3
"""Of a name where a place is asked for: after "from" or "of", and without a preposition."""

_UNCOUNTED = 0.5
"""Of a number that does not count what the question wants counted."""

_HOUR_FOR_DATE = 0.5
"""Of a weekday or time of day where a date is asked for."""

_WORDS_APART = 5
"""A number counts what stands so near behind it, or before it as a table's heading does."""

_READ = 2_000
_LOOK_BACK = 80
"""Of a sentence so many characters are read, and before a name."""

_SHORT = frozenset({QuestionKind.WHO, QuestionKind.WHEN, QuestionKind.WHERE, QuestionKind.HOW_MANY})

_PEOPLE = frozenset(index_terms("people persons men women employees users"))
_MEASURED = frozenset(
    index_terms(
        "percent seconds minutes hours days nights weeks months years bytes kb mb gb tb tib gib mib"
        " miles kilometres kilometers metres meters feet inches grams kg pounds dollars euros cents"
        " degrees"
    )
)
_QUOTED = re.compile(r"\"[^\"]{1,200}\"|\u201c[^\u201d]{1,200}\u201d|\u00ab[^\u00bb]{1,200}\u00bb")

# Words that say the same of who did something, as stems.
_DOINGS = tuple(
    frozenset(words.split())
    for words in (
        "sing sang sung perform record",
        "write wrote written author compos",
        "play portray voic",
        "make made creat develop invent design build built",
        "propos introduc present publish",
        "own acquir bought",
        "discov found identifi",
        "direct",
    )
)
_PREPOSITION = re.compile(
    r"\b(?:in|at|on|of|to|from|for|near|with|against|than|like|through|between|into)"
    r"(?: the| an?)? $"
)
_ARTICLE = re.compile(r"\b(?:the|an?|his|her|their) $")
_DONE_BY = re.compile(r"\b(\w+) (?:and (\w+) )?by (?:[\w-]+ ){0,6}$")
_IN = re.compile(
    r"\b(?:in|at|near|outside|off|on|across|along|into|inside)(?: the)?(?: \w+)? $", re.IGNORECASE
)
_FROM = re.compile(r"\b(?:from|to|of|through|between)(?: the)? $", re.IGNORECASE)
_SEAM = re.compile(r"[\d,;().]")
_BECAUSE = re.compile(
    r"\b(?:because|due to|so that|since|therefore|thus|in order to|as a result|reasons?|owing to"
    r"|caused?|causes|leads? to|which (?:makes|means|is why)|so)\b|, to ",
    re.IGNORECASE,
)
_FIRST_ARTICLE = re.compile(r"(?:an? |the )?", re.IGNORECASE)
_GLOSS = re.compile(
    r"[\"'\u201d*_`]*(?: ?\([^()]*\))?,? ?(?::|[\u2013\u2014]|- "
    r"|(?:is|are|was|were) (?:an?|the|one|any|how|what|when)\b"
    r"|(?:means?|refers?|stands?|describes?|denotes?)\b|(?:or|also|an?|the) )"
)


def holds(asked: Asked, text: str) -> float:
    """How well a sentence holds what is asked for, 0 to 1; 0 for kinds that no rule helps.

    That a comparison, steps or a yes or no are asked for does not tell which sentence answers
    (docs/decisions/question-kinds.md).

    :param text: the sentence as a reader sees it.
    """
    if asked.kind is QuestionKind.WHY:
        return float(_BECAUSE.search(text) is not None)
    if asked.kind is QuestionKind.DEFINITION:
        return float(_defines(asked, text))
    return min(1.0, max((strength for _, strength in fits(asked, text)), default=0.0))


def suits(asked: Asked, text: str) -> bool:
    """Whether a sentence seems to have a thing of the kind asked for; True for other kinds.

    A number must count what the question wants counted.
    """
    if asked.kind not in _SHORT:
        return True
    needed = 1.0 if asked.subject else _UNCOUNTED
    return any(strength >= needed for _, strength in fits(asked, text))


def lacks(asked: Asked, text: str) -> bool:
    """Whether it is certain that a sentence has not the date, or number of things, asked for.

    It never is of names and places, which have too many forms.
    """
    if not asked.plain or len(text) > _READ:
        return False
    if asked.kind is QuestionKind.WHEN:
        return not tells_time(text)
    return not _may_count(asked, text)


def fits(asked: Asked, text: str) -> Iterator[Fit]:
    """What in a sentence may be what is asked for, in reading order.

    Only dates, numbers, names and places are found; what the question says itself is not it.
    """
    text = text[:_READ]
    if asked.kind is QuestionKind.WHEN:
        yield from _moments(asked, text)
    elif asked.kind is QuestionKind.HOW_MANY:
        yield from _numbers(asked, text)
    elif asked.kind is QuestionKind.WHO:
        yield from _people(asked, text)
    elif asked.kind is QuestionKind.WHERE:
        yield from _places(asked, text)


def _moments(asked: Asked, text: str) -> Iterator[Fit]:
    days, hours = dates(text), times(text)
    vague = [span for span in hours if not any(map(partial(_overlap, span), days))]
    alone = [day for day in days if not any(map(partial(_overlap, day), hours))]
    for span in sorted([*alone, *hours]):
        if _says_more(asked, text, span):
            yield span, _HOUR_FOR_DATE if asked.plain and span in vague else 1.0


def _numbers(asked: Asked, text: str) -> Iterator[Fit]:
    for amount in amounts(text):
        if not _says_more(asked, text, amount.number):
            continue
        behind = _SEAM.split(text[amount.number[1] :], maxsplit=1)[0]
        counted = ["percent"] if amount.unit == "%" else index_terms(behind[:80])[:4]
        if any(term in counted for term in asked.subject):
            yield amount.span, 1.0
        elif amount.measured or _is_figure(asked, text[slice(*amount.number)].casefold()):
            yield amount.span, _UNCOUNTED


def _is_figure(asked: Asked, number: str) -> bool:
    """Whether a number says how many by itself: "two" may be said of anything."""
    if any(map(str.isdigit, number)) or number in ("twice", "thrice"):
        return True
    return bool(asked.subject) and number != "one"


def _may_count(asked: Asked, text: str) -> bool:
    """Whether a number of a sentence may count what is asked for.

    It does if it stands near to its word, if nothing says what else it counts, or if what is to be
    counted has many names: people, and what one measures in.
    """
    found = amounts(text)
    if _MEASURED.issuperset(asked.subject):
        return bool(found or number_words(text))
    counts = (one.number for one in found if not one.measured and one.unit != "%")
    spans = [*number_words(text), *counts]
    words = [(word.span(), index_terms(word[0])) for word in WORD.finditer(text)]
    starts = [start for (start, _), _ in words]
    subjects = [i for i, (_, terms) in enumerate(words) if {*terms} & {*asked.subject}]
    numbers = {bisect_left(starts, start) for start, _ in spans}
    if any(abs(i - n) <= _WORDS_APART for i in subjects for n in numbers):
        return True
    return any(_counts_anything(asked, amount) for amount in found)


def _counts_anything(asked: Asked, amount: Amount) -> bool:
    if amount.measured or amount.unit == "%":
        return False
    return not amount.unit or amount.unit in STOP_WORDS or {*asked.subject} <= _PEOPLE


def _overlap(span: Span, other: Span) -> bool:
    return span[0] < other[1] and other[0] < span[1]


def _people(asked: Asked, text: str) -> Iterator[Fit]:
    doings = asked.terms.union(*(words for words in _DOINGS if words & asked.terms))
    titles = [title.span() for title in _QUOTED.finditer(text)]
    for span in people(text):
        new = _new_words(asked, text, span)
        before = text[max(0, span[0] - _LOOK_BACK) : span[0]]
        by = _DONE_BY.search(before)
        if not new:
            continue
        if any(map(partial(_overlap, span), titles)):
            yield span, _TITLE
            continue
        if by and doings.intersection(index_terms(" ".join(filter(None, by.groups())))):
            yield span, _DOER
            continue
        strength = 1.0 if new > 1 else _ONE_WORD
        if _PREPOSITION.search(before):
            strength *= _BEHIND_PREPOSITION
        elif _ARTICLE.search(before):
            strength *= _BEHIND_ARTICLE
        yield span, strength


def _places(asked: Asked, text: str) -> Iterator[Fit]:
    for span in places(text):
        if _says_more(asked, text, span):
            before = text[max(0, span[0] - _LOOK_BACK) : span[0]]
            strength = 1.0 if _IN.search(before) else _UNPLACED
            yield span, _FROM_PLACE if _FROM.search(before) else strength


def _defines(asked: Asked, text: str) -> bool:
    """Whether a sentence begins with what is to be defined, and goes on as a definition does."""
    article = _FIRST_ARTICLE.match(text)
    words = list(WORD.finditer(text, article.end() if article else 0))[: len(asked.subject)]
    said = [term for word in words for term in index_terms(word[0])]
    if not words or said != list(asked.subject):
        return False
    return _GLOSS.match(text, words[-1].end()) is not None


def _says_more(asked: Asked, text: str, span: Span) -> bool:
    """Whether these characters say more than the question does."""
    return _new_words(asked, text, span) > 0


def _new_words(asked: Asked, text: str, span: Span) -> int:
    words = (word[0] for word in WORD.finditer(text, *span))
    content = (word for word in words if word.casefold() not in STOP_WORDS)
    return sum(not asked.terms.issuperset(index_terms(word)) for word in content)
