"""What a question asks about that the sentences of its answer do not speak of."""

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches

import numpy as np

from ragqa.analysis import STOP_WORDS, WORD, index_terms
from ragqa.answering.holding import lacks
from ragqa.answering.kinds import Asked, QuestionKind, asked_by
from ragqa.answering.reading import Reading, best_cosines
from ragqa.answering.scoring import Scored

STRANGE = 0.28
"""A word is spoken of in other words where the best cosine of its tokens is at least this."""

RARE = 0.5
"""A word is worth naming if its idf is at least this share of the question's highest."""

WEIGHTY = 0.12
"""Words that are missing are named if they hold at least this share of the question's idf."""

_ALIKE = 0.8
_BEGINNING = re.compile(r"(?:^|[.?!:])[\s\"'(]*$")
_JOINTS = (" ", "-", ".")
_VERSION = re.compile(r"(?:[^\W\d_]+[ -])?(\d+(?:\.\d+)+)")
_ASKED = {
    QuestionKind.WHO: "a name",
    QuestionKind.WHEN: "a date",
    QuestionKind.WHERE: "a place",
    QuestionKind.HOW_MANY: "a number",
}


def missing(reading: Reading, said: Sequence[Scored]) -> tuple[str, ...]:
    """The words of the question that no passage of its answer has or comes near.

    After them what the question asks for, where no sentence has it ("a date", "a number of tasks")
    or none that has it speaks of what it is asked for ("a date for Sonnet 5.5").

    :param said: the sentences of the answer.
    """
    question = reading.retrieved.question
    words = _strange_words(reading, said)
    asked = asked_by(question)
    holding = [one for one in said if not lacks(asked, one.candidate.text)]
    if asked.kind in _ASKED:
        unnamed: list[str] = min((_unnamed(question, one) for one in holding), key=len, default=[])
        names = [name for name in unnamed if name not in words]
        if names or not holding:
            words.append(" for ".join([_thing(question, asked), *names[:1]]))
    return tuple(words)


def _unnamed(question: str, one: Scored) -> list[str]:
    """The names and numbers of a question that a sentence and its headings do not have."""
    candidate = one.candidate
    text = f"{candidate.hit.passage.trail} {candidate.unit.context} {candidate.text}"
    held = set(index_terms(text))
    names = [match[0] for match in _VERSION.finditer(question) if match[1] not in text]
    end = -1
    for word in WORD.finditer(question):
        begins = _BEGINNING.search(question[: word.start()]) is not None
        if not _is_name(word[0], begins=begins) or _is_plain(word[0]):
            continue
        if _is_held(index_terms(word[0]), held):
            continue
        between = question[end : word.start()]
        if names and end >= 0 and between in _JOINTS:
            names[-1] += between + word[0]
        else:
            names.append(word[0])
        end = word.end()
    return names


def _is_name(word: str, *, begins: bool) -> bool:
    capitals = sum(c.isupper() for c in word)
    return any(c.isdigit() for c in word) or capitals > (1 if begins else 0)


def _is_held(terms: Sequence[str], held: Collection[str]) -> bool:
    """Whether a word is among these, perhaps misspelt."""
    return any(term in held or get_close_matches(term, held, 1, _ALIKE) for term in terms)


def _strange_words(reading: Reading, said: Sequence[Scored]) -> list[str]:
    idf = reading.retrieved.idf
    passages = {one.candidate.hit.passage.id: one.candidate.hit.passage for one in said}
    held = {term for passage in passages.values() for term in index_terms(passage.searched_text)}
    tokens = [reading.tokens[key].vectors for key in passages if key in reading.tokens]
    if not tokens or not idf:
        return []
    near = best_cosines(reading.query, np.concatenate(tokens))
    found = {}
    for word in WORD.finditer(reading.retrieved.question):
        terms = index_terms(word[0])
        weight = max((idf.get(term, 0.0) for term in terms), default=0.0)
        if _is_plain(word[0]) or weight < RARE * max(idf.values()) or _is_held(terms, held):
            continue
        own = [
            close
            for close, (start, end) in zip(near, reading.query_spans, strict=True)
            if start < word.end() and word.start() < end
        ]
        if own and float(np.mean(own)) < STRANGE:
            found[word[0]] = weight
    return list(found) if sum(found.values()) >= WEIGHTY * sum(idf.values()) else []


def _is_plain(word: str) -> bool:
    """Whether a word says nothing by itself, such as "we'd"."""
    said = word.casefold().replace("\u2019", "'")
    return said in STOP_WORDS or said.split("'")[0] in STOP_WORDS


def _thing(question: str, asked: Asked) -> str:
    """What is asked for, in words."""
    words = (word[0] for word in WORD.finditer(question))
    counted = next((word for word in words if set(index_terms(word)) & {*asked.subject}), "")
    return f"{_ASKED[asked.kind]} of {counted}" if counted else _ASKED[asked.kind]
