"""How well a sentence holds what a question asks for, and where in the sentence that stands."""

import re
from collections.abc import Iterator

from ragqa.analysis import STOP_WORDS, WORD, index_terms
from ragqa.answering.kinds import Asked, QuestionKind
from ragqa.answering.mentions import Span, amounts, dates, people, places

Fit = tuple[Span, float]
"""Characters of a sentence that may be what is asked for, and how well they fit."""

_ONE_WORD = 0.6
_BEHIND_PREPOSITION = 0.4
_BEHIND_ARTICLE = 0.6
_DOER = 2.0
"""Of a name: a single word, "in X" and "the X" are seldom who did it; "written by X" is."""

_FROM_PLACE = 0.6
_UNPLACED = 0.3
"""Of a name where a place is asked for: after "from" or "of", and without a preposition."""

_UNCOUNTED = 0.5
"""Of a number that does not count what the question wants counted."""

_READ = 2_000
_LOOK_BACK = 80
"""Of a sentence so many characters are read, and before a name."""

_SHORT = frozenset({QuestionKind.WHO, QuestionKind.WHEN, QuestionKind.WHERE, QuestionKind.HOW_MANY})

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


def lacks(asked: Asked, text: str) -> bool:
    """Whether a date, number, name or place is asked for and a sentence has none that would do.

    A number must count what the question wants counted.
    """
    if asked.kind not in _SHORT:
        return False
    needed = 1.0 if asked.subject else _UNCOUNTED
    return not any(strength >= needed for _, strength in fits(asked, text))


def fits(asked: Asked, text: str) -> Iterator[Fit]:
    """What in a sentence may be what is asked for, in reading order.

    Only dates, numbers, names and places are found; what the question says itself is not it.
    """
    text = text[:_READ]
    if asked.kind is QuestionKind.WHEN:
        yield from ((span, 1.0) for span in dates(text) if _says_more(asked, text, span))
    elif asked.kind is QuestionKind.HOW_MANY:
        yield from _numbers(asked, text)
    elif asked.kind is QuestionKind.WHO:
        yield from _people(asked, text)
    elif asked.kind is QuestionKind.WHERE:
        yield from _places(asked, text)


def _numbers(asked: Asked, text: str) -> Iterator[Fit]:
    for amount in amounts(text):
        if not _says_more(asked, text, amount.number):
            continue
        behind = _SEAM.split(text[amount.number[1] :], maxsplit=1)[0]
        counted = ["percent"] if amount.unit == "%" else index_terms(behind[:80])[:4]
        if any(term in counted for term in asked.subject):
            yield amount.span, 1.0
        elif text[slice(*amount.number)].casefold() != "one":
            yield amount.span, _UNCOUNTED


def _people(asked: Asked, text: str) -> Iterator[Fit]:
    doings = asked.terms.union(*(words for words in _DOINGS if words & asked.terms))
    for span in people(text):
        new = _new_words(asked, text, span)
        before = text[max(0, span[0] - _LOOK_BACK) : span[0]]
        by = _DONE_BY.search(before)
        if not new:
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
