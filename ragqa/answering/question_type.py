"""The type of answer a question asks for, by rules over English words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ragqa.languages import ENGLISH
from ragqa.text.words import STOP_WORDS, WORD, query_terms


class QuestionKind(StrEnum):
    """What a question asks for."""

    WHO = "who"
    WHEN = "when"
    WHERE = "where"
    HOW_MANY = "how many"
    DEFINITION = "definition"
    COMPARISON = "comparison"
    WHY = "why"
    OTHER = "other"


SHORT = frozenset({QuestionKind.WHO, QuestionKind.WHEN, QuestionKind.WHERE, QuestionKind.HOW_MANY})
"""Answered by a name, date, place or number."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the rules see it: its text, kind, and the terms of its content words.

    `subject` has the terms of what is to be defined or counted, () for other kinds. It
    `needs_figure` if only a date, or a number of the subject, can answer. `languages` are as in
    `Retrieved`.
    """

    text: str
    kind: QuestionKind
    terms: frozenset[str]
    subject: tuple[str, ...] = ()
    needs_figure: bool = False
    languages: tuple[str, ...] = (ENGLISH,)

    @property
    def language(self) -> str:
        """The language that it is probably in."""
        return self.languages[0]

    @property
    def is_english(self) -> bool:
        """Whether the rules for English apply."""
        return self.language == ENGLISH


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
_THE = r"(is|are|was|were) the (\w+ ){0,2}"
_ARTICLE = r"((the|a|an) )?(\w+ )?"
_REASON = "(reason|cause|purpose)s?"
_COMPARED = "(vs|versus|compared (to|with)|differs? from|differences? between)"
_NO_DATE = "(should|can|could|would|do i|do you|do we)"
_JUDGEMENT = (
    "(worth|better|worse|best|good|bad|enough|useful|helpful|wrong|safe|appropriate|necessary|needed"
    "|preferable|preferred|beats?|wins?|fails?|helps?|hurts?|matters?|outperforms?|than)"
)
_TERM = r"((an? )?[\w.-]+( [\w.-]+){0,3}|the [\w.-]+( [\w.-]+)?)"

_Rules = Sequence[tuple[QuestionKind, str]]

# The first rule that matches a clause gives its kind. The patterns are compiled on first use.
_RULES: _Rules = (
    (QuestionKind.COMPARISON, rf"\b{_COMPARED}\b"),
    (QuestionKind.WHY, rf"^(why|how come|what (causes?|caused|{_AUX} the (\w+ )?{_REASON}))\b"),
    (QuestionKind.OTHER, rf"^((when|where) (is|are|do|does)|how much do(es)?) .*\b{_JUDGEMENT}\b"),
    (QuestionKind.OTHER, r"^how (to|should|(do|can|could|would|must) (i|we|you|one))\b"),
    (
        QuestionKind.HOW_MANY,
        rf"\b{_HOW_MANY}\b|^{_TO}what ({_THE}{_QUANTITY}|(?!{_AUX}\b)(\w+ )?{_QUANTITY})\b",
    ),
    (QuestionKind.WHO, rf"^{_TO}(who|whom|whose|(what|which) {_PERSON})\b"),
    (
        QuestionKind.WHEN,
        rf"^(when (?!{_NO_DATE}\b){_AUX}|{_TO}(what|which) ({_AUX} )?{_ARTICLE}{_TIME})\b",
    ),
    (QuestionKind.WHERE, rf"^{_TO}(where (?!{_QUESTION_WORD}\b)\w|(what|which) {_PLACE}\b)"),
    (QuestionKind.DEFINITION, rf"^(define|(what {_AUX} (the )?)?(definition|meaning) of)\b"),
    (QuestionKind.DEFINITION, rf"^what ((do|does) .+ mean|(is|are) {_TERM})$"),
    (QuestionKind.OTHER, rf"^{_TO}(what|which|how)\b"),
)
# For the whole question, if no clause has a question word in the usual place.
_FALLBACK_RULES: _Rules = (
    (QuestionKind.OTHER, rf"^{_AUX}\b(?!.* or )"),
    (QuestionKind.WHO, r"\bwho\b"),
    (QuestionKind.WHEN, r"\b(date|year)$|^date of\b"),
    (QuestionKind.HOW_MANY, rf"\b{_QUANTITY}$|\b(number|amount|percentage) of\b"),
)
_CLAUSE = r"[.?!;:]+(?:\s+|$)|,\s+(?:and\s+)?|\s+[-\u2013\u2014]+\s+"
_DATED = (
    rf"^when (did|was|were|had)\b|\b(what|which) (was |is )?(the )?(\w+ )?{_TIME}\b|\b(date|year)$"
    "|^date of"
)
_BEFORE_TERM = (
    rf"^(?:what {_AUX}|define) (?:(?:an?|the) )?(?:(?:meaning|definition) of )?"
    r"|^(?:meaning|definition) of | mean$"
)


def parse_question(question: str, languages: tuple[str, ...] = (ENGLISH,)) -> Question:
    """Parse a question.

    The first clause that matches a rule decides its kind. If none does, the question is taken as
    keywords ("o4-mini release date"). No kind is known in another language than English.

    :param languages: those of the notes, the question's own first.
    """
    terms = frozenset(query_terms(question, languages))
    if languages[0] != ENGLISH:
        return Question(question, QuestionKind.OTHER, terms, languages=languages)
    text = " ".join(question.casefold().replace("\u2019", "'").split())
    text = re.sub(rf"\b{_QUESTION_WORD}'?s\b", r"\1 is", text)
    clauses = _clauses(text)
    kind = _first(_RULES, clauses) or _first(_FALLBACK_RULES, [" ".join(clauses)])
    kind = kind or QuestionKind.OTHER
    subject = _subject(kind, clauses)
    is_date = kind is QuestionKind.WHEN and any(re.search(_DATED, clause) for clause in clauses)
    is_count = kind is QuestionKind.HOW_MANY and subject != ()
    return Question(question, kind, terms, subject, is_date or is_count, languages)


def _clauses(text: str) -> list[str]:
    parts = re.split(_CLAUSE, text)
    return [clause for part in parts if (clause := part.strip(" \"'()"))]


def _first(rules: _Rules, clauses: Iterable[str]) -> QuestionKind | None:
    found = (kind for clause in clauses for kind, rule in rules if re.search(rule, clause))
    return next(found, None)


def _subject(kind: QuestionKind, clauses: Sequence[str]) -> tuple[str, ...]:
    text = " ".join(clauses)
    if kind is QuestionKind.DEFINITION:
        defined = next(clause for clause in clauses if _first(_RULES, [clause]) is kind)
        return tuple(query_terms(re.sub(_BEFORE_TERM, "", defined)))
    if kind is QuestionKind.HOW_MANY:
        if re.search(r"\bpercent(?:age)?\b", text):
            return ("percent",)
        counted = re.search(r"\b(?:how many|number of|amount of) (.+)", text)
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
    plural = r"\w+[^\Wsui]s|[cgt]pus|people|children|men|women"
    return next((word for word in words if re.fullmatch(plural, word)), words[0] if words else "")
