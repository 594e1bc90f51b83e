"""Find the words that a note lacks, and try words that would bring it into the answer."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from ragqa.answering import assess
from ragqa.answering.candidates import PASSAGES
from ragqa.api import Index
from ragqa.clock import Clock
from ragqa.explaining.explanation import SAID, Explanation, Lost, Missing, Trial
from ragqa.explaining.ranking import rank_of, rank_sentences
from ragqa.retrieval import MAX_QUESTION_BYTES
from ragqa.stores import Snapshot
from ragqa.text.words import index_terms, is_stop_word, passage_terms, query_terms, tokenize
from ragqa.types import Filters, Passage

_WORDS_TRIED = 4
_ROOM = 600
"""Bytes of the question reserved for the words to try."""

_ASKED_AGAIN = 2
"""Composing an answer is slow, so only this many trials go through the whole pipeline."""

_MAX_MISSING = 8
_MAX_WORDS = 2_000
"""A missing word is compared with at most this many words of the note."""

_NEAR = 0.75
_SAME_START = 2
_MIN_CHARS = 3
_HEADED = 2.0
"""The weight of a word in the heading, which says what the passage is about."""


def with_trials(
    index: Index, explanation: Explanation, question: str, filters: Filters
) -> Explanation:
    """Add the words that the note lacks, and try words that might help.

    :param question: with its spelling corrected.
    """
    if explanation.stage in (SAID, "filters", "changed"):
        return explanation
    best = explanation.places[0].hit.passage
    note = [place.hit.passage for place in explanation.places]
    explanation = replace(explanation, missing=missing_words(question, best, note))
    first = explanation.sentences[0] if explanation.sentences else None
    lost = first.lost if first else None
    cannot_help = explanation.stage == "composer" and lost in (None, Lost.PASSED_OVER)
    too_long = len(explanation.question.encode()) > MAX_QUESTION_BYTES - _ROOM
    if cannot_help or too_long:
        return explanation
    text = first.citation.quote if first else best.text
    words = distinctive_words(question, text, best, index.snapshot(), most=_WORDS_TRIED)
    return replace(explanation, trials=_try(index, explanation, words, filters))


def _try(
    index: Index, explanation: Explanation, words: Sequence[str], filters: Filters
) -> tuple[Trial, ...]:
    """Retrieve again with each word, then with the best two; compose an answer for the best."""
    own = [place.hit.passage.id for place in explanation.places]

    def ask(*added: str) -> Trial:
        question = " ".join((explanation.question, *added))
        return Trial(added, rank_of(index, question, own, filters), said=False)

    trials = sorted((ask(word) for word in words), key=_order)
    if len(trials) > 1 and (trials[0].rank or PASSAGES + 1) > PASSAGES:
        trials = sorted([*trials, ask(*trials[0].words, *trials[1].words)], key=_order)
    for at, trial in enumerate(trials[:_ASKED_AGAIN]):
        trials[at] = _with_answer(index, explanation, trial, filters)
        if trials[at].said:
            break
    return tuple(sorted(trials, key=_order))


def _with_answer(index: Index, explanation: Explanation, trial: Trial, filters: Filters) -> Trial:
    question = " ".join((explanation.question, *trial.words))
    retrieved, _, _ = index.retrieve(question, filters, refresh=False, progress=None, clock=Clock())
    assessment = assess(retrieved, index.source.embedders.asking, index.answering)
    sentences = rank_sentences(assessment, explanation.places, explanation.lines)
    said = assessment.answered and any(sentence.lost is None for sentence in sentences)
    return replace(trial, said=said)


def _order(trial: Trial) -> tuple[bool, float, int]:
    """The sort key of trials, best first: said, then by rank, then by number of words."""
    rank = float("inf") if trial.rank is None else trial.rank
    return not trial.said, rank, len(trial.words)


def missing_words(question: str, passage: Passage, note: Sequence[Passage]) -> tuple[Missing, ...]:
    """The question's words that a passage lacks, each with a similar word of the note, if any."""
    language = passage.language
    lacking = set(query_terms(question, [language])).difference(passage_terms(passage))
    words = [
        word
        for word in dict.fromkeys(tokenize(question, pairs_only=True))
        if lacking.issuperset(query_terms(word, [language]))
    ]
    texts = " ".join(one.searched_text for one in note)
    forms = list(dict.fromkeys(tokenize(texts)))[:_MAX_WORDS]
    missing = []
    for word in words[:_MAX_MISSING]:
        like = [form for form in forms if form.startswith(word[:_SAME_START])]
        near = get_close_matches(word, like, n=1, cutoff=_NEAR)
        missing.append(Missing(word, near[0] if near else ""))
    return tuple(missing)


def distinctive_words(
    question: str, text: str, passage: Passage, snapshot: Snapshot, *, most: int
) -> list[str]:
    """The most distinctive words of a text that the question lacks, best first.

    :param text: the passage's, or a part of it.
    """
    language = passage.language
    asked = set(index_terms(question, language))
    words: dict[str, str] = {}
    for word in tokenize(f"{passage.trail} {text}", pairs_only=True):
        term = (index_terms(word, language) or [""])[0]
        is_long = len(word) >= _MIN_CHARS and not word.isdigit()
        if is_long and not is_stop_word(word, language):
            words.setdefault(term, word)
    counts = Counter(index_terms(text, language))
    idf = snapshot.idf([term for term in words if term not in asked])
    headed = set(index_terms(passage.trail, language))

    def worth(term: str) -> float:
        weight = _HEADED if term in headed else 1.0
        return idf[term] * math.log2(2 + counts[term]) * weight

    best = sorted(idf, key=lambda term: (-worth(term), term))
    return [words[term] for term in best[:most]]
