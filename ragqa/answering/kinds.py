"""What kind of thing a question asks for, and how well a sentence holds such a thing."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from ragqa.analysis import STOP_WORDS, WORD, index_terms, query_terms
from ragqa.answering.mentions import amounts, dates, names


class QuestionKind(StrEnum):
    """What a question asks for; NAME is what something is called, or which one it is."""

    WHO = "who"
    WHEN = "when"
    WHERE = "where"
    HOW_MANY = "how many"
    NAME = "name"
    DEFINITION = "definition"
    STEPS = "steps"
    COMPARISON = "comparison"
    YES_NO = "yes or no"
    WHY = "why"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the rules see it: its kind, its terms, and what it asks about by name.

    `subject` has the terms of what a definition is wanted of, or the noun that is counted.
    """

    kind: QuestionKind
    terms: frozenset[str]
    subject: tuple[str, ...] = ()


_AUX = (
    "(is|are|was|were|be|do|does|did|can|could|should|would|will|shall|may|might|must|has|have|had"
    "|isn't|aren't|wasn't|weren't|don't|doesn't|didn't|can't|couldn't|shouldn't|won't)"
)
_QUANTITY = (
    "(number|amount|count|size|length|width|height|weight|depth|distance|speed|age|population"
    "|limit|maximum|minimum|percentage|percent|share|proportion|ratio|factor|cost|price|fee|fine"
    "|discount|salary|rate|temperature|volume|value|score|capacity|duration|budget|threshold"
    "|enrollment|latency|memory|area|strength|total)"
)
_HOW_MANY = (
    "how (many|much|long|old|tall|big|often|far|high|large|fast|heavy|deep|wide|few|small|lengthy)"
)
_PERSON = (
    "(person|actor|actress|author|singer|president|king|queen|emperor|player|company|band|team"
    "|artist|character|scientist|director)"
)
_PLACE = (
    "(country|city|state|town|place|region|continent|county|location|province|village|island"
    "|countries|cities|states|regions|places)"
)
_TO = "((in|on|at|to|for|of|from|by|since|until) )?"

# The first that matches a clause says its kind.
_RULES = tuple(
    (kind, re.compile(rule))
    for kind, rule in (
        (QuestionKind.COMPARISON, r"\b(vs|versus|compared (to|with)|differs? from)\b"),
        (QuestionKind.COMPARISON, r"\bdifferences? between\b|^which .*\bor\b"),
        (QuestionKind.WHY, r"^(why|how come|what (causes?|caused)|what is the (reason|cause))\b"),
        (QuestionKind.STEPS, r"^how (to|(do|can|should|could|would) (i|we|you|one))\b"),
        (QuestionKind.HOW_MANY, rf"\b{_HOW_MANY}\b"),
        (
            QuestionKind.HOW_MANY,
            rf"^{_TO}(what|which) ((is|are|was|were) )?((the|a|an) )?(\w+ )?{_QUANTITY}\b",
        ),
        (QuestionKind.WHO, rf"^{_TO}(who|whom|whose|(what|which) {_PERSON})\b"),
        (QuestionKind.WHEN, rf"^when (?!(should|can|could|would|do i|do you|do we)\b){_AUX}\b"),
        (
            QuestionKind.WHEN,
            rf"^{_TO}(what|which) ((is|was) the )?(\w+ )?(year|month|day|date|time|century|decade)s?\b",
        ),
        (QuestionKind.WHERE, rf"^{_TO}(where|(what|which) {_PLACE})\b"),
        (QuestionKind.NAME, r"\bnames? (of|for)\b|\b(called|known as|title of)\b|^name\b"),
        (QuestionKind.DEFINITION, r"^(define|definition of|meaning of|what (does|do) .+ mean$)"),
        (QuestionKind.DEFINITION, r"^what (is|are) ((an?|the) )?[\w.-]+( [\w.-]+){0,2}$"),
        (QuestionKind.NAME, rf"^{_TO}(what|which) (?!{_AUX}\b|(type|kind|sort|part|role|way)s?\b)"),
        (QuestionKind.YES_NO, rf"^{_AUX}\b(?!.* or )"),
        (QuestionKind.WHY, r"\bwhy\b"),
        (QuestionKind.WHO, r"\bwho\b"),
        (QuestionKind.WHERE, r"\bwhere\b"),
        (QuestionKind.WHEN, r"\b(date|year)$|^date of\b"),
        (QuestionKind.HOW_MANY, rf"\b{_QUANTITY}$|\b(number|amount|percentage) of\b"),
    )
)
_CLAUSE = re.compile(r"[.?!;:]+(?:\s+|$)|,\s+|\s+[-\u2013\u2014]+\s+")
_CONTRACTED = re.compile(r"\b(what|who|when|where|how|why)'?s\b")
_BEFORE_SUBJECT = re.compile(r"^(define|definition of|meaning of|what (is|are|does|do)) ((an?|the) )?")


def kind_of(question: str) -> QuestionKind:
    """The kind of thing that a question asks for, by plain rules over English words."""
    for clause in _clauses(question):
        for kind, rule in _RULES:
            if rule.search(clause):
                return kind
    return QuestionKind.OTHER


def _clauses(question: str) -> list[str]:
    text = question.casefold().replace("\u2019", "'")
    text = _CONTRACTED.sub(r"\1 is", " ".join(text.split()))
    return [clause for part in _CLAUSE.split(text) if (clause := part.strip(" \"'()"))]


@lru_cache(maxsize=8)
def asked_by(question: str) -> Asked:
    kind = kind_of(question)
    terms = frozenset(index_terms(question))
    subject=()
    if kind is QuestionKind.DEFINITION:
        subject = tuple(t for t in query_terms(_BEFORE_SUBJECT.sub("", _clauses(question)[0])) if t != "mean")
    if kind is QuestionKind.HOW_MANY:
        m = re.search(rf"how (many|much) (.+)", question.casefold())
        if m: subject = tuple(query_terms(m[2])[:2])
    if kind is QuestionKind.COMPARISON:
        subject = tuple(re.split(r"\b(?:vs|versus|and|or|than|with|to|from|:)\b", question))
    return Asked(kind, terms, subject)

_BECAUSE = re.compile(r"\b(because|due to|so that|since|therefore|thus|in order to|as a result|reasons?|owing to|caused?|causes|leads? to|which (makes|means|is why)|so)\b|, to ", re.I)
_THAN = re.compile(r"\b(than|unlike|whereas|while|but|both|instead|rather|difference|differs?|other|in contrast)\b", re.I)
_STEP = re.compile(r"^(first|then|next|finally|to \w+|use|set|run|add|make|put|keep|start|write|split|try|choose|pick|take|give|ask|check|measure|call|install|open|create|select|click|go|do not|don't|avoid|train|send|store|return|begin|build|log|prefer|include|limit|test|compare|remove|let|have|judge)\b", re.I)

def holds(asked: Asked, text: str) -> float:
    k=asked.kind; K=QuestionKind
    if k is K.WHEN:
        return float(any(not set(index_terms(text[a:b]))<=asked.terms for a,b in dates(text)))
    if k is K.HOW_MANY:
        best=0.
        for a in amounts(text):
            if set(index_terms(text[slice(*a.number)]))<=asked.terms: continue
            near=set(index_terms(text[a.number[1]:a.number[1]+40]))
            best=max(best, 1. if asked.subject and asked.subject[0] in near else .6)
        return best
    if k in (K.WHO,K.WHERE,K.NAME):
        best=0.
        for a,b in names(text):
            new=[w for w in WORD.findall(text[a:b]) if not set(index_terms(w))<=asked.terms]
            if not new: continue
            v=1. if len(new)>1 else .6
            if k is K.WHERE:
                v=1. if re.search(r"\b(in|at|near|from|to|of|on)( the)? $",text[:a]) else .4
            best=max(best,v)
        return best
    if k is K.DEFINITION:
        s=asked.subject
        if not s: return 0.
        words=list(WORD.finditer(text)); st=[index_terms(w[0])[:1] for w in words]
        for i in range(len(words)-len(s)+1):
            if all(x and x[0]==y for x,y in zip(st[i:i+len(s)],s)):
                after=text[words[i+len(s)-1].end():]
                if re.match(r"[\"'\u201d*_`]*\s*(\([^)]*\))?,?\s*(:|\u2013|\u2014|-\s|(is|are|was|were|means?|refers?|stands?|describes?)\b|,?\s*(or|also|the|an?)\s)",after): return 1. if i<3 else .6
        return 0.
    if k is K.WHY: return float(bool(_BECAUSE.search(text)))
    if k is K.STEPS: return float(bool(_STEP.match(text)))
    if k is K.COMPARISON:
        return .5*float(bool(_THAN.search(text)))
    if k is K.YES_NO: return float(bool(re.search(r"\b(not|no|never|cannot|yes|only)\b|n't\b",text,re.I)))
    return 0.
