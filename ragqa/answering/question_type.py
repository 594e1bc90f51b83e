"""The type of answer a question asks for, by rules over English words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from ragqa.text.words import STOP_WORDS, WORD, query_terms


class QuestionKind(StrEnum):
    """What a question asks for."""

    WHO = "who"
    WHEN = "when"
    WHERE = "where"
    HOW_MANY = "how many"
    DEFINITION = "definition"
    STEPS = "steps"
    COMPARISON = "comparison"
    YES_NO = "yes or no"
    WHY = "why"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the rules see it: its kind, and the terms of its content words.

    `subject` has the terms of what is to be defined or counted, () for other kinds. It is `strict`
    if only a date, or a number of the subject, can answer.
    """

    kind: QuestionKind
    terms: frozenset[str]
    subject: tuple[str, ...] = ()
    strict: bool = False


_AUX = (
    "(is|are|was|were|be|do|does|did|can|could|should|would|will|shall|may|might|must|has|have|had"
    "|isn't|aren't|wasn't|weren't|don't|doesn't|didn't|can't|couldn't|shouldn't|won't)"
)
_QUESTION_WORD = "(who|whom|whose|when|where|why|how|what|which)"
_TO = "((in|on|at|to|for|of|from|by|since|until) )?"
_QUANTITY = (
    "(number|amount|count|size|length|width|height|weight|depth|distance|speed|age|population"
    "|limit|maximum|minimum|percentage|percent|share|proportion|ratio|factor|cost|price|fee|fine"
    "|discount|salary|rate|temperature|volume|value|score|capacity|duration|budget|threshold"
    "|enrollment|total)"
)
_HOW_MANY = (
    "how (many|much|long|old|tall|big|often|far|high|large|fast|heavy|deep|wide|few|small|lengthy)"
)
_TIME = "(year|month|day|date|time|century|decade)s?"
_PERSON = (
    "(person|people|actor|actress|author|singer|president|king|queen|emperor|player|company|band"
    "|team|lab|artist|character|scientist|director)"
)
_PLACE = "(country|countries|city|cities|(state|town|place|region|continent|location|island)s?)"
_REASON = "(reason|cause|purpose)s?"
_COMPARED = "(vs|versus|compared (to|with)|differs? from|differences? between)"
_NO_DATE = "(should|can|could|would|do i|do you|do we)"
_JUDGEMENT = (
    "(worth|better|worse|best|good|bad|enough|useful|helpful|wrong|safe|appropriate|necessary|needed"
    "|preferable|preferred|beats?|wins?|fails?|helps?|hurts?|matters?|outperforms?|than)"
)
_TERM = r"((an? )?[\w.-]+( [\w.-]+){0,3}|the [\w.-]+( [\w.-]+)?)"

_Rules = Sequence[tuple[QuestionKind, str]]

# The first rule that matches a clause gives its kind.
_RULES: _Rules = (
    (QuestionKind.COMPARISON, rf"\b{_COMPARED}\b"),
    (
        QuestionKind.WHY,
        rf"^(why|how come|what (causes?|caused|{_AUX} the (\w+ )?{_REASON}))\b",
    ),
    (QuestionKind.OTHER, rf"^((when|where) (is|are|do|does)|how much do(es)?) .*\b{_JUDGEMENT}\b"),
    (QuestionKind.STEPS, r"^how (to|should|(do|can|could|would|must) (i|we|you|one))\b"),
    (QuestionKind.HOW_MANY, rf"\b{_HOW_MANY}\b"),
    (
        QuestionKind.HOW_MANY,
        rf"^{_TO}what (is|are|was|were) the (\w+ ){{0,2}}{_QUANTITY}\b",
    ),
    (QuestionKind.HOW_MANY, rf"^{_TO}what (?!{_AUX}\b)(\w+ )?{_QUANTITY}\b"),
    (QuestionKind.WHO, rf"^{_TO}(who|whom|whose|(what|which) {_PERSON})\b"),
    (QuestionKind.WHEN, rf"^when (?!{_NO_DATE}\b){_AUX}\b"),
    (
        QuestionKind.WHEN,
        rf"^{_TO}(what|which) ({_AUX} )?((the|a|an) )?(\w+ )?{_TIME}\b",
    ),
    (
        QuestionKind.WHERE,
        rf"^{_TO}(where (?!{_QUESTION_WORD}\b)\w|(what|which) {_PLACE}\b)",
    ),
    (QuestionKind.DEFINITION, r"^(define|definition of|meaning of)\b|^what (do|does) .+ mean$"),
    (QuestionKind.DEFINITION, rf"^what {_AUX} (the )?(meaning|definition) of\b"),
    (QuestionKind.DEFINITION, rf"^what (is|are) {_TERM}$"),
    (QuestionKind.OTHER, rf"^{_TO}(what|which|how)\b"),
)
# For the whole question, if no clause has a question word in the usual place.
_FALLBACK_RULES: _Rules = (
    (QuestionKind.YES_NO, rf"^{_AUX}\b(?!.* or )"),
    (QuestionKind.WHO, r"\bwho\b"),
    (QuestionKind.WHEN, r"\b(date|year)$|^date of\b"),
    (QuestionKind.HOW_MANY, rf"\b{_QUANTITY}$|\b(number|amount|percentage) of\b"),
)
_CLAUSE = re.compile(r"[.?!;:]+(?:\s+|$)|,\s+(?:and\s+)?|\s+[-\u2013\u2014]+\s+")
_CONTRACTED = re.compile(rf"\b{_QUESTION_WORD}'?s\b")
_COUNTED = re.compile(r"\b(?:how many|number of|amount of) (.+)")
_PLURAL = re.compile(r"\w+[^\Wsui]s|[cgt]pus|people|children|men|women")
_DATED = re.compile(
    rf"^when (did|was|were|had)\b|\b(what|which) (was |is )?(the )?(\w+ )?{_TIME}\b|\b(date|year)$"
    "|^date of"
)
_PERCENT = re.compile(r"\bpercent(?:age)?\b")
_BEFORE_TERM = re.compile(
    rf"^(?:what {_AUX}|define) (?:(?:an?|the) )?(?:(?:meaning|definition) of )?"
    r"|^(?:meaning|definition) of | mean$"
)


def kind_of(question: str) -> QuestionKind:
    """The kind of a question.

    The first clause that matches a rule decides. If none does, the question is taken as keywords
    ("o4-mini release date").
    """
    clauses = _clauses(question)
    return (
        _first(_RULES, clauses)
        or _first(_FALLBACK_RULES, [" ".join(clauses)])
        or QuestionKind.OTHER
    )


@lru_cache(maxsize=8)
def parse_question(question: str) -> Question:
    """Parse a question; cached, since many sentences are compared with it."""
    kind = kind_of(question)
    clauses = _clauses(question)
    subject = _subject(kind, clauses)
    is_date = kind is QuestionKind.WHEN and any(map(_DATED.search, clauses))
    is_count = kind is QuestionKind.HOW_MANY and subject != ()
    return Question(kind, frozenset(query_terms(question)), subject, is_date or is_count)


def _clauses(question: str) -> list[str]:
    text = question.casefold().replace("\u2019", "'")
    text = _CONTRACTED.sub(r"\1 is", " ".join(text.split()))
    return [clause for part in _CLAUSE.split(text) if (clause := part.strip(" \"'()"))]


def _first(rules: _Rules, clauses: Iterable[str]) -> QuestionKind | None:
    found = (kind for clause in clauses for kind, rule in rules if re.search(rule, clause))
    return next(found, None)


def _subject(kind: QuestionKind, clauses: Sequence[str]) -> tuple[str, ...]:
    text = " ".join(clauses)
    if kind is QuestionKind.DEFINITION:
        defined = (clause for clause in clauses if _first(_RULES, [clause]) is kind)
        return tuple(query_terms(_BEFORE_TERM.sub("", next(defined))))
    if kind is QuestionKind.HOW_MANY:
        if _PERCENT.search(text):
            return ("percent",)
        counted = _COUNTED.search(text)
        return tuple(query_terms(_head(counted[1]))[:1]) if counted else ()
    return ()


def _head(counted: str) -> str:
    """The counted noun of a phrase: "samples" in "training samples did it get"."""
    words: list[str] = []
    for word in WORD.findall(counted):
        if words and (word in STOP_WORDS or word in ("per", "could")):
            break
        if word not in STOP_WORDS:
            words.append(word)
    return next((word for word in words if _PLURAL.fullmatch(word)), words[0] if words else "")
