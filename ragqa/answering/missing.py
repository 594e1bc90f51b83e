"""Find the words of a question that no note has."""

from collections.abc import Iterator, Sequence

from ragqa.answering.notes import Notes
from ragqa.search.question import Question
from ragqa.text.words import index_terms, is_stop_word_anywhere, overlaps, stems


def missing(question: Question, notes: Notes) -> tuple[str, ...]:
    """The words of a question that no note has, in any like spelling, as typed.

    A note may write a date in another way, and the parts of a compound apart.
    """
    words = () if question.parts else _words(question)
    lacking = (word for word, terms in words if all(map(notes.lack, terms)))
    return tuple(dict.fromkeys(lacking))


def missing_share(question: Question, words: Sequence[str]) -> float:
    """The share of the question's idf that these of its words have."""
    terms = frozenset(index_terms(" ".join(words), question.language))
    lacking = sum(weight for term, weight in question.idf.items() if term in terms)
    return lacking / (sum(question.idf.values()) or 1.0)


def _words(question: Question) -> Iterator[tuple[str, list[str]]]:
    """The words of a question that are not common in English, and the terms of each."""
    days = [day.span for day in question.days]
    for word in question.words:
        text = question.text[word.start : word.end]
        terms = index_terms(text, question.language)
        # "Ben" is a name, and "ben" a stop word of another language.
        is_stop = not word.stem or (text.islower() and is_stop_word_anywhere(text))
        is_stop |= word.negates
        is_day = overlaps((word.start, word.end), days)
        if not (is_stop or is_day or stems("common").issuperset(terms)):
            yield text, terms
