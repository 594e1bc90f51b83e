"""The type of answer a question asks for, by rules over English words."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache

from ragqa.languages import ENGLISH
from ragqa.text.words import STOP_WORDS, WORD, compiled, listed, one_of, query_terms, rows, words_of


class QuestionKind(StrEnum):
    """What a question asks for."""

    WHO = "who"
    WHEN = "when"
    WHERE = "where"
    HOW_MANY = "how many"
    PHONE = "phone number"
    EMAIL = "e-mail address"
    ADDRESS = "address"
    LINK = "link"
    DEFINITION = "definition"
    COMPARISON = "comparison"
    WHY = "why"
    OTHER = "other"


SHORT = frozenset(QuestionKind) - {
    QuestionKind.DEFINITION, QuestionKind.COMPARISON, QuestionKind.WHY, QuestionKind.OTHER
}  # fmt: skip
"""Answered by a name, date, place, number, address or link."""


# The classes of words in a clause: each of their words ends with its mark there.
_CLASSES = {
    "auxiliaries": "_a", "quantities": "_q", "persons": "_p", "periods of time": "_t",
    "regions": "_r",
}  # fmt: skip
_AUX, _QUANTITY, _PERSON, _TIME, _PLACE = (rf"\w+{end}\b" for end in _CLASSES.values())
_QUESTION_WORDS = ("who", "whom", "whose", "when", "where", "why", "how", "what", "which")
_TO = "((in|on|at|to|for|of|from|by|since|until) )?"
_HOW_MANY = (
    "how (many|much|long|old|tall|big|often|far|high|large|fast|heavy|deep|wide|few|small|lengthy)"
)
_PLURAL = r"\w+[^\Wsui]s|[cgt]pus|people|children|men|women"
_THE = r"(is|are|was|were)_a the (\w+ ){0,2}"
_ARTICLE = r"((the|a|an) )?(\w+ )?"
_NO_DATE = r"((should|can|could|would)_a|do_a (i|you|we))\b"
_COMPARED = "(vs|versus|compared (to|with)|differs? from|differences? between)"
_TERM = r"((an? )?[\w.-]+( [\w.-]+){0,3}|the [\w.-]+( [\w.-]+)?)"

CONTACTS = {
    QuestionKind.PHONE: "((tele)?phone|mobile|cell) (number_q|no)|number_q to (call|ring)( .+)?",
    QuestionKind.EMAIL: "e-?mail( address)?",
    QuestionKind.ADDRESS: "address",
    QuestionKind.LINK: "link|url|website|web ?page",
}
"""What one needs to reach somebody or something, with a pattern of what it is called."""

_IN_KEYWORDS = CONTACTS | {QuestionKind.PHONE: rf"{CONTACTS[QuestionKind.PHONE]}|phone|mobile"}
_OF_IT = r"((?!(an?|about|at|for|from|in|ip|mac|of|on|to|with)\b)[\w'-]+ ){0,5}"

_Rules = Sequence[tuple[QuestionKind, str]]

# The first rule that matches a clause gives its kind.
_RULES: _Rules = (
    (QuestionKind.COMPARISON, rf".*\b{_COMPARED}\b"),
    (
        QuestionKind.WHY,
        rf"(why|how come|what (causes?|caused|{_AUX} the (\w+ )?(reason|cause|purpose)s?))\b",
    ),
    (QuestionKind.OTHER, r"how (to|should_a|(do|can|could|would|must)_a (i|we|you|one))\b"),
    *(
        (kind, rf"{_TO}(what|which) {_OF_IT}({noun})($| (of|for|at)\b| {_AUX})")
        for kind, noun in CONTACTS.items()
    ),
    (
        QuestionKind.HOW_MANY,
        rf".*\b{_HOW_MANY}\b|{_TO}what ({_THE}{_QUANTITY}|(?!{_AUX})(\w+ )?{_QUANTITY})",
    ),
    (QuestionKind.WHO, rf"{_TO}((who|whom|whose)\b|(what|which) {_PERSON})"),
    (
        QuestionKind.WHEN,
        rf"when (?!{_NO_DATE}){_AUX}|{_TO}(what|which) ({_AUX} )?{_ARTICLE}{_TIME}",
    ),
    (
        QuestionKind.WHERE,
        rf"{_TO}(where (?!({'|'.join(_QUESTION_WORDS)})\b)\w|(what|which) {_PLACE})",
    ),
    (QuestionKind.DEFINITION, rf"(define|(what {_AUX} (the )?)?(definition|meaning) of)\b"),
    (QuestionKind.DEFINITION, rf"what ((do|does)_a .+ mean|(is|are)_a {_TERM})$"),
    (QuestionKind.OTHER, rf"{_TO}(what|which|how)\b"),
)
# For the whole question, if no clause has a question word in the usual place.
_FALLBACK_RULES: _Rules = (
    (QuestionKind.OTHER, rf"{_AUX}(?!.* or )"),
    *((kind, rf"{_OF_IT}({noun})($| (of|for|at)\b)") for kind, noun in _IN_KEYWORDS.items()),
    (QuestionKind.WHO, r".*\bwho\b"),
    (QuestionKind.WHEN, r".*\b(date|year)_t$|date_t of\b"),
    (QuestionKind.HOW_MANY, rf".*\b({_QUANTITY}$|(number|amount|percentage)_q of\b)"),
)
_CLAUSE = r"[.?!;:]+(?:\s+|$)|,\s+(?:and\s+)?|\s+[-\u2013\u2014]+\s+"
_SEAM = r"(?:\s*[,.:;!?\u2026\u2013\u2014]+\s*|\s+-+\s+)"
_INDIRECT = (
    r"(?i)(what|who|where|when|how \w+) "
    r"((?:(?:the|my|our|an?|this|that|his|her|their|your|\S+['\u2019]s) .+?|\S+(?: \S+)?))"
    r" (is|are|was|were)[ ?.!]*"
)
_BEFORE_TERM = (
    rf"^(?:what (?:{one_of('auxiliaries')})|define) (?:(?:an?|the) )?"
    r"(?:(?:meaning|definition) of )?"
    r"|^(?:meaning|definition) of | mean$"
)


def without_frame(question: str) -> str:
    """A question without what frames it: "what is X" for "remind me what X is, please".

    What has no content apart from its frame stays as it is.
    """
    before, behind = compiled(_frames()[0]), compiled(_frames()[1])
    bare = behind.sub("", before.sub("", question))
    if bare == question or all(word.casefold() in STOP_WORDS for word in WORD.findall(bare)):
        return question
    indirect = compiled(_INDIRECT).fullmatch(bare)
    return f"{indirect[1]} {indirect[3]} {indirect[2]}" if indirect else bare


@cache
def _frames() -> tuple[str, str]:
    """Patterns for the frames at the beginning of a question, and for those at its end."""
    framing, topics, ending = (
        "|".join(
            row.replace("'", "['\u2019]?").replace(" ", " (?:(?:please|pls|just|quickly) )?")
            for row in rows(name)
        )
        for name in ("frames", "topic frames", "frames behind")
    )
    # "Remind me to" begins no question.
    begins = "|".join((*_QUESTION_WORDS, *listed("auxiliaries"), *listed("beginnings"), framing))
    before = (
        rf"(?i)^(?:(?:{framing})(?:{_SEAM}| (?=(?:{begins})\b)))*"
        rf"(?:(?:{topics}) (?!(?:in|on|at|for|to|last|yesterday|today)\b))?"
    )
    return before, rf"(?i)(?:(?:{_SEAM}(?:{framing}|{ending})| (?:{ending})))+[ ?.!]*$"


def kind_of(question: str, language: str) -> tuple[QuestionKind, tuple[str, ...]]:
    """What a question asks for, and the terms of its subject.

    The first clause that matches a rule decides its kind. If none does, the question is taken as
    keywords ("o4-mini release date"). No kind is known in another language than English.
    """
    if language != ENGLISH:
        return QuestionKind.OTHER, ()
    text = " ".join(question.casefold().replace("\u2019", "'").split())
    text = WORD.sub(_uncontracted, text)
    clauses = [part for piece in compiled(_CLAUSE).split(text) if (part := piece.strip(" \"'()"))]
    marks = _marks()
    marked = [WORD.sub(lambda word: word[0] + marks.get(word[0], ""), one) for one in clauses]
    kinds = ((clause, _kind(_RULES, mark)) for clause, mark in zip(clauses, marked, strict=True))
    clause, kind = next((pair for pair in kinds if pair[1]), (text, None))
    kind = kind or _kind(_FALLBACK_RULES, " ".join(marked)) or QuestionKind.OTHER
    return kind, _subject(kind, clause, " ".join(clauses))


def _uncontracted(word: re.Match[str]) -> str:
    """A question word with "is" apart from it: "what is" for "what's" and "whats"."""
    asks = word[0].removesuffix("s").removesuffix("'")
    return f"{asks} is" if asks != word[0] and asks in _QUESTION_WORDS else word[0]


@cache
def _marks() -> Mapping[str, str]:
    """The mark of each word that is of a class, which stands behind it in a clause."""
    return {word: mark for name, mark in _CLASSES.items() for word in listed(name)}


def _kind(rules: _Rules, clause: str) -> QuestionKind | None:
    """The kind by the first rule that matches; all are one pattern, since each costs its time."""
    pattern = "|".join(f"(?P<{kind.name}_{n}>{rule})" for n, (kind, rule) in enumerate(rules))
    match = compiled(pattern).match(clause)
    return QuestionKind[match.lastgroup.rpartition("_")[0]] if match and match.lastgroup else None


def _subject(kind: QuestionKind, clause: str, text: str) -> tuple[str, ...]:
    """The terms of what the clause wants defined, or the question counted."""
    if kind is QuestionKind.DEFINITION:
        return tuple(query_terms(compiled(_BEFORE_TERM).sub("", clause)))
    if kind is QuestionKind.HOW_MANY:
        if {"percent", "percentage"} & {word.text for word in words_of(text)}:
            return ("percent",)
        counted = compiled(r"\b(?:how many|number of|amount of) (.+)").search(text)
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
    return next(filter(compiled(_PLURAL).fullmatch, words), words[0] if words else "")
