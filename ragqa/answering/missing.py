"""What a question asks about that the sentences of its answer do not speak of."""

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

import numpy as np

from ragqa.analysis import STOP_WORDS, index_terms
from ragqa.answering.candidates import Candidate
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
_TOKEN = re.compile(r"[^\s\"'(),;:?!]+(?<!\.)")
_BEGINNING = re.compile(r"(?:^|[.?!:])[\s\"'(]*$")
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
    words = _strange_words(reading, said)
    asked = asked_by(reading.retrieved.question)
    if asked.kind not in _ASKED:
        return tuple(words)
    holding = [one.candidate for one in said if not lacks(asked, one.candidate.text)]
    unnamed: list[str] = min((_unnamed(reading, one) for one in holding), key=len, default=[])
    names = [name for name in unnamed if name not in words]
    if names or not holding:
        words.append(" for ".join([_thing(reading, asked), *names[:1]]))
    return tuple(words)


def _strange_words(reading: Reading, said: Sequence[Scored]) -> list[str]:
    """The rare words that the passages neither have nor come near."""
    idf = reading.retrieved.idf
    passages = {one.candidate.hit.passage.id: one.candidate.hit.passage for one in said}
    tokens = [reading.tokens[key].vectors for key in passages if key in reading.tokens]
    if not tokens or not idf:
        return []
    text = " ".join(passage.searched_text for passage in passages.values())
    held = frozenset(index_terms(text))
    near = best_cosines(reading.query, np.concatenate(tokens))
    found = {}
    for start, word in _words(reading.retrieved.question):
        weight = max((idf.get(term, 0.0) for term in index_terms(word)), default=0.0)
        if weight < RARE * max(idf.values()) or _is_held(word, text, held):
            continue
        own = [
            close
            for close, (begin, end) in zip(near, reading.query_spans, strict=True)
            if begin < start + len(word) and start < end
        ]
        if _is_name(reading, start, word) or (own and float(np.mean(own)) < STRANGE):
            found[_told(reading.retrieved.question, start, word)] = weight
    return list(found) if sum(found.values()) >= WEIGHTY * sum(idf.values()) else []


def _unnamed(reading: Reading, candidate: Candidate) -> list[str]:
    """The names and numbers of the question that a sentence and its headings do not have.

    Those that stand side by side are one.
    """
    question = reading.retrieved.question
    text = f"{candidate.hit.passage.trail} {candidate.unit.context} {candidate.text}"
    held = frozenset(index_terms(text))
    names: list[str] = []
    end = -1
    for start, word in _words(question):
        if not _is_name(reading, start, word) or _is_held(word, text, held):
            continue
        if question[end:start] == " ":
            names[-1] += f" {word}"
        else:
            names.append(_told(question, start, word))
        end = start + len(word)
    return names


def _words(question: str) -> Iterator[tuple[int, str]]:
    """The words that say something by themselves, and where each begins."""
    for token in _TOKEN.finditer(question):
        if token[0].casefold() not in STOP_WORDS and index_terms(token[0]):
            yield token.start(), token[0]


def _told(question: str, start: int, word: str) -> str:
    """The word as it is named: a bare figure with the word before it."""
    before = _TOKEN.findall(question[:start])
    return f"{before[-1]} {word}" if before and not any(map(str.isalpha, word)) else word


def _is_name(reading: Reading, start: int, word: str) -> bool:
    """Whether a word says what it says in its own letters, so that what is like it is another."""
    begins = _BEGINNING.search(reading.retrieved.question[:start]) is not None
    capitals = sum(c.isupper() for c in word)
    return any(c.isdigit() for c in word) or capitals > (1 if begins else 0)


def _is_held(word: str, text: str, held: Collection[str]) -> bool:
    """Whether a text has a word, perhaps misspelt there or here; a figure it must have whole."""
    if any(c.isdigit() for c in word):
        return word.casefold() in text.casefold()
    return all(
        term in held or get_close_matches(term, held, 1, _ALIKE) for term in index_terms(word)
    )


def _thing(reading: Reading, asked: Asked) -> str:
    """What is asked for, in words."""
    words = (word for _, word in _words(reading.retrieved.question))
    counted = next((word for word in words if set(index_terms(word)) & {*asked.subject}), "")
    return f"{_ASKED[asked.kind]} of {counted}" if counted else _ASKED[asked.kind]
