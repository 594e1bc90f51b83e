"""Find what a question asks about that its answer does not cover."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import takewhile

import numpy as np

from ragqa.answering.answer_type import cannot_answer
from ragqa.answering.candidates import Candidate, sources_of
from ragqa.answering.question_type import Question, QuestionKind, parse_question
from ragqa.answering.reading import Reading, best_cosines
from ragqa.answering.scoring import Scored
from ragqa.text.entities import has_figure
from ragqa.text.words import STOP_WORDS, index_terms, tokenize
from ragqa.types import Retrieved, Vectors

UNKNOWN_BELOW = 0.28
"""A word counts as paraphrased if the mean best cosine of its tokens is at least this."""

UNKNOWN_NAME_BELOW = 0.45
NAME_SHARE = 0.25
"""The limit for a word that is several tokens, if it is the question's rarest and has this share of
its idf: it is mostly a name, and similar names mean other things."""

MIN_IDF_SHARE = 0.5
"""A word is reported only if its idf is at least this share of the question's highest."""

MIN_TOTAL_SHARE = 0.12
"""Missing words are reported only if they have this share of the question's idf."""

STORY_WORDS = 14
"""A question with more words tells a story; only capitalised words in it are reported."""

_MIN_LIKENESS = 0.8
_TOKEN = re.compile(r"(?:[^\s\"'\u2019(),;:?!]|(?<=\d)[,:](?=\d))+(?<!\.)")
_SENTENCE_START = re.compile(r"(?:^|[.?!:])[\s\"'(]*$")
# Generic words, which are not what is asked about.
_GENERIC = frozenset(
    index_terms(
        "make made happen use work take took taken sold sell buy bought handle get got give gave "
        "given go went gone come came say said tell told show shown try tried keep kept need want "
        "mean let put see seen find found look know run ran stop start begin began end become "
        "became turn call called pay paid cost charge ask answer touch think thought happen cause "
        "thing way kind lot somebody someone anybody anyone everybody everyone people day time "
        "first last next many much currently rather quite really exactly roughly just even still "
        "already"
    )
)


def missing(
    reading: Reading, sentences: Sequence[Scored], *, answered: bool = True
) -> tuple[str, ...]:
    """The words of the question that the shown text neither has nor paraphrases.

    The date or count asked for comes last, if certainly no sentence has it ("a date", "a number of
    tasks"), or none that may have it mentions its subject ("a date for Sonnet 5.5").

    :param sentences: of the answer.
    :param answered: whether they are shown, with their context; else their passages are.
    """
    words = _unmatched_words(reading, sentences, answered=answered)
    parsed = parse_question(reading.retrieved.question)
    if not parsed.strict:
        return _as_typed(reading.retrieved, words)
    possible = [one.candidate for one in sentences if not cannot_answer(parsed, one.candidate.text)]
    missing_names: list[str] = min(
        (_missing_names(reading, one) for one in possible), key=len, default=[]
    )
    names = [name for name in missing_names if name not in words]
    if names or not possible:
        asked_for = _asked_for(reading.retrieved.question, parsed)
        named = frozenset(index_terms(asked_for))
        words = [word for word in words if not named.issuperset(index_terms(word))]
        words.append(" for ".join([asked_for, *names[:1]]))
    return _as_typed(reading.retrieved, words)


def _as_typed(retrieved: Retrieved, missing: Sequence[str]) -> tuple[str, ...]:
    """The missing words, with the alias as typed instead of the title that replaced it."""
    spelled = retrieved.spelled or retrieved.typed
    typed, rewritten = spelled.split(), retrieved.question.split()
    before = _common_prefix(typed, rewritten)
    after = _common_prefix(typed[before:][::-1], rewritten[before:][::-1])
    alias = " ".join(typed[before : len(typed) - after]).strip("?!.,;:\"'()")
    shown = (word if word in spelled else alias or word for word in missing)
    return tuple(dict.fromkeys(shown))


def _common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    """The number of words that two questions share at the start."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _unmatched_words(reading: Reading, sentences: Sequence[Scored], *, answered: bool) -> list[str]:
    """The rare words of the question that the shown text does not cover."""
    question, idf = reading.retrieved.question, reading.retrieved.idf
    passages = {one.candidate.hit.passage.id: one.candidate.hit.passage for one in sentences}
    tokens = [reading.tokens[key].vectors for key in passages if key in reading.tokens]
    if not tokens or not idf:
        return []
    quoted = (_shown(one.candidate) for one in sentences)
    whole = (passage.searched_text for passage in passages.values())
    text = " ".join(quoted if answered else whole)
    terms = frozenset((*index_terms(text), *tokenize(text)))
    words = list(_words(question))
    is_story = len(words) > STORY_WORDS
    weights = {word: _weight(idf, word) for _, word in words}
    highest = max((idf[term] for term in idf if term not in _GENERIC), default=0.0)
    far = frozenset(_far_words(reading, np.concatenate(tokens), weights, highest))
    found = {}
    for start, word in words:
        if weights[word] < MIN_IDF_SHARE * highest or _is_in_text(question, word, text, terms):
            continue
        if _is_name(question, start, word):
            shown = _display(question, start, word)
            if not is_story or shown != shown.lower():
                found[shown] = weights[word]
        elif not is_story and (start, word) in far:
            found[word] = weights[word]
    return list(found) if sum(found.values()) >= MIN_TOTAL_SHARE * sum(idf.values()) else []


def _weight(idf: Mapping[str, float], word: str) -> float:
    return max((idf.get(term, 0.0) for term in index_terms(word)), default=0.0)


def _far_words(
    reading: Reading, tokens: Vectors, weights: Mapping[str, float], highest: float
) -> Iterator[tuple[int, str]]:
    """Yield the offset and text of words that no token is close to, or that are in a title."""
    near = best_cosines(reading.query, tokens)
    titles = _titles(reading)
    for start, word in _words(reading.retrieved.question):
        terms = index_terms(word)
        cosines = [
            cosine
            for cosine, (begin, end) in zip(near, reading.query_spans, strict=True)
            if begin < start + len(word) and start < end
        ]
        is_rarest = weights[word] >= max(NAME_SHARE * sum(reading.retrieved.idf.values()), highest)
        limit = UNKNOWN_NAME_BELOW if is_rarest and len(cosines) > 1 else UNKNOWN_BELOW
        is_far = bool(cosines) and float(np.mean(cosines)) < limit
        if not _GENERIC.issuperset(terms) and (is_far or not titles.isdisjoint(terms)):
            yield start, word


def _titles(reading: Reading) -> frozenset[str]:
    """The terms of those titles that the question has in full."""
    parsed = frozenset(index_terms(reading.retrieved.question))
    titles = (index_terms(hit.passage.title) for hit in sources_of(reading.hits))
    return frozenset(term for title in titles if parsed.issuperset(title) for term in title)


def _shown(candidate: Candidate) -> str:
    """The text of a sentence of the answer with its title, headings and context."""
    passage = candidate.hit.passage
    above = f"{' '.join(passage.aliases)} {passage.trail} {candidate.unit.context}"
    return f"{above} {candidate.quote} {candidate.text}"


def _missing_names(reading: Reading, candidate: Candidate) -> list[str]:
    """The names and numbers of the question that a sentence and its headings lack.

    Adjacent ones are joined.
    """
    question = reading.retrieved.question
    text = _shown(candidate)
    terms = frozenset(index_terms(text))
    names: list[str] = []
    end = -1
    for start, word in _words(question):
        if not _is_name(question, start, word) or _is_in_text(question, word, text, terms):
            continue
        if question[end:start] == " ":
            names[-1] += f" {word}"
        else:
            names.append(_display(question, start, word))
        end = start + len(word)
    return names


def _words(question: str) -> Iterator[tuple[int, str]]:
    """Yield the offset and text of each content word."""
    for token in _TOKEN.finditer(question):
        if token[0].casefold() not in STOP_WORDS and index_terms(token[0]):
            yield token.start(), token[0]


def _display(question: str, start: int, word: str) -> str:
    """A word as reported: a bare figure follows the name before it."""
    if any(map(str.isalpha, word)):
        return word
    before = next((one for at, one in _words(question) if at + len(one) + 1 == start), "")
    is_said = before and not _GENERIC.issuperset(index_terms(before))
    return f"{before} {word}" if is_said else word


def _is_name(question: str, start: int, word: str) -> bool:
    """Whether a word is a name or code, which only matches itself."""
    if any(map(str.isdigit, word)):
        return True
    begins = _SENTENCE_START.search(question[:start]) is not None
    return sum(map(str.isupper, word)) > (1 if begins else 0) and _uses_capitals(question)


def _uses_capitals(question: str) -> bool:
    """Whether capitals mark names, which they do not in title case or all capitals."""
    words = [word for word in question.split()[1:] if any(map(str.isalpha, word))]
    capitals = sum(word != word.lower() for word in words)
    return len(words) < 2 or 2 * capitals <= len(words)


def _is_in_text(question: str, word: str, text: str, terms: frozenset[str]) -> bool:
    """Whether a text has a word: names and figures exactly, others perhaps misspelt.

    :param terms: of the text.
    """
    if any(map(str.isdigit, word)):
        return has_figure(text, word)
    may_differ = word.islower() or not _uses_capitals(question)
    return all(
        not terms.isdisjoint((term, f"{term}s", term.removesuffix("s")))
        or (
            may_differ
            and (get_close_matches(term, terms, 1, _MIN_LIKENESS) or _is_anagram(term, terms))
        )
        for term in index_terms(word)
    )


def _is_anagram(term: str, terms: Iterable[str]) -> bool:
    """Whether it is an anagram of one of the terms."""
    return sorted(term) in (sorted(one) for one in terms if len(one) == len(term))


def _asked_for(question: str, parsed: Question) -> str:
    """A phrase for what is asked for."""
    if parsed.kind is QuestionKind.WHEN:
        return "a date"
    if parsed.subject == ("percent",):
        return "a percentage"
    counted = (word for _, word in _words(question) if index_terms(word) == [*parsed.subject])
    return f"a number of {next(counted, 'them')}"
