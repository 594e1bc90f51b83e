"""Make a follow-up stand alone by rule: add the words of the question before that it leaves out.

Whether it leans on the question before is told by its form: it refers back ("does it help?"), or
goes on ("and for tables?"), or has no word of its own ("why?"). Where the form does not tell, it
leans if the notes have nothing for it as it is, though they know all of its words. What is added
are the rarest words of the question before that the notes cited there speak of, those in their
headings first; where they speak of none of its words, their heading.

This is put together from work on conversational search. Single words of earlier turns are chosen
and added: Voskarides et al., "Query Resolution for Conversational Search with Limited Supervision",
2020. How good the best hit of a question is tells whether it leans, and how rare a word is whether
it is chosen: Lin et al., "Multi-Stage Conversational Passage Retrieval", 2021. How well it does is
in docs/decisions/follow-ups.md.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ragqa.analysis import STOP_WORDS, query_terms
from ragqa.followups.turns import Turn
from ragqa.retrieval import MAX_QUESTION_BYTES
from ragqa.stores import Snapshot
from ragqa.types import Retrieved

CARRIED = 2
"""So many words are carried over."""

FOUND = 0.8
"""The notes have something for a question where its best passage scores at least this."""

RARE = 0.4
"""They do, too, where that is headed by a word of it of at least this share of the highest idf."""

LONG = 5
"""A question with so many words that say something is asked of the notes by itself."""

TOLD = 3
"""After so many words that say something a pronoun stands for what its own question has said."""

_HEADING_CHARS = 80
_ROUNDING = 1e-6
_EDGES = "\"'`*_.,;:?!()[]{}<>\u2018\u2019\u201c\u201d\u2026"

_GOES_ON = re.compile(
    r"(and|or|but|so|then|also|plus|ok|okay|(what|how) about|what if|why not|how (so|come))\b",
    re.IGNORECASE,
)
_REFER = """
    it its it's itself they them their theirs he him his she her hers this these those ones
    former latter both neither either such
"""
_REFERRING = frozenset(_REFER.split())
# These refer to what was said before only where nothing follows them.
_REFERRING_LAST = frozenset(("one", "then", "too", "there", "mine"))
_COMPARE = """
    other others another else instead better worse cheaper faster slower easier simpler
    alternative alternatives
"""
_COMPARING = frozenset(_COMPARE.split())
_COMPARED = frozenset(("than", "to"))


@dataclass(frozen=True, slots=True)
class _Word:
    """A word as it is written, with the terms that it is searched by, () for a stop word."""

    text: str
    terms: tuple[str, ...]

    @property
    def folded(self) -> str:
        return self.text.casefold().replace("\u2019", "'")


def leans(question: str, snapshot: Snapshot, find: Callable[[str], Retrieved]) -> bool:
    """Whether a question leans on the one before it.

    :param find: retrieves the best passage for a question.
    """
    words = list(_words(question))
    said = sum(bool(word.terms) for word in words)
    if not said or _GOES_ON.match(question.lstrip()):
        return True
    if said >= LONG:
        return False
    if any(_refers(words, at) for at in range(len(words))):
        return True
    found = find(question)
    return not (_is_found(found, snapshot) or _has_unheard(found, snapshot))


def _has_unheard(found: Retrieved, snapshot: Snapshot) -> bool:
    """Whether a question has a word that no passage has, so that it is on something else."""
    heard_once = math.log1p((snapshot.info.passages - 0.5) / 1.5)
    return any(idf > heard_once + _ROUNDING for idf in found.idf.values())


def completed(question: str, turn: Turn, snapshot: Snapshot) -> str:
    """A question that leans on a turn, with what it takes from there added in brackets.

    Where there is nothing to take, or it would become too long, it is given back as it is.
    """
    carried = _carried(turn, list(_words(question)), snapshot)
    if not carried:
        return question
    asked = question.rstrip()
    end = "" if asked.endswith(("?", ".", "!")) else "?"
    told = f"{asked}{end} ({', '.join(carried)})"
    return told if len(told.encode("utf-8")) <= MAX_QUESTION_BYTES else question


def _refers(words: Sequence[_Word], at: int) -> bool:
    """Whether a word stands for something that its own question has not said before it."""
    if sum(bool(word.terms) for word in words[:at]) >= TOLD:
        return False
    word = words[at].folded
    if word == "that":
        # After a word that says something it begins a clause: "models that reason".
        return at == 0 or not words[at - 1].terms
    if word in _COMPARING:
        return _COMPARED.isdisjoint(after.folded for after in words[at:])
    return word in _REFERRING or (word in _REFERRING_LAST and at == len(words) - 1)


def _is_found(found: Retrieved, snapshot: Snapshot) -> bool:
    """Whether the notes have something for a question as it is."""
    if not found.hits:
        return False
    best = found.hits[0]
    rare = RARE * math.log(1 + snapshot.info.passages)
    headed = frozenset(query_terms(best.passage.trail))
    return best.score >= FOUND or any(
        idf >= rare and term in headed for term, idf in found.idf.items()
    )


def _carried(turn: Turn, own: Sequence[_Word], snapshot: Snapshot) -> list[str]:
    """What to add to a question of these words, as the turn has it and in its order."""
    headed = _terms(" ".join(heading) for heading in turn.headings)
    spoken_of = headed | _terms(turn.quotes)
    before = {word.text: word for word in _words(turn.question) if word.terms}
    idf = snapshot.idf([term for word in before.values() for term in word.terms])

    def weight(word: _Word) -> tuple[bool, float]:
        return headed.issuperset(word.terms), max(idf[term] for term in word.terms)

    known = [word for word in before.values() if spoken_of.issuperset(word.terms)]
    best = sorted(known, key=weight, reverse=True)[:CARRIED]
    carried = [word.text for word in known if word in best]
    if not carried and any(turn.headings):
        heading = next(filter(None, turn.headings))
        carried = [" ".join(heading[-1].split())[:_HEADING_CHARS]]
    said = {term for word in own for term in word.terms}
    return [text for text in carried if not said.issuperset(query_terms(text))]


def _words(text: str) -> Iterator[_Word]:
    for token in text.split():
        word = _Word(token.strip(_EDGES), ())
        if word.folded in STOP_WORDS:
            yield word
        elif word.text:
            yield _Word(word.text, tuple(query_terms(word.text)))


def _terms(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(term for text in texts for term in query_terms(text))
