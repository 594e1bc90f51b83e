"""Find what a question asks about that its answer does not cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from ragqa.answering.reading import Reading, best_cosines
from ragqa.answering.score import cannot_answer
from ragqa.answering.sentences import Candidate
from ragqa.languages import ENGLISH
from ragqa.search.question import Question
from ragqa.search.question_kind import QuestionKind
from ragqa.text.dates import has_moment, months_asked, months_of
from ragqa.text.names import has_figure
from ragqa.text.words import compiled, index_terms, is_stop_word, overlaps, stems, tokenize
from ragqa.types import Vector

UNKNOWN_BELOW = 0.2
"""A word counts as paraphrased if the mean best cosine of its tokens is at least this."""

UNKNOWN_NAME_BELOW = 0.45
NAME_SHARE = 0.25
"""The limit for a word that is several tokens, if it is the question's rarest and has this share of
its idf: it is mostly a name, and similar names mean other things."""

MIN_IDF_SHARE = 0.5
"""A word is reported only if its idf is at least this share of the question's highest."""

MIN_TOTAL_SHARE = 0.2
"""Missing words are reported only if they have this share of the question's idf."""

FAR_SHARE = 0.5
"""A question of which more is missing, by idf, is far from what was found if that is unlikely to
answer."""

_MIN_LIKENESS = 0.8
_WORD = r"(?:[^\s\"'\u2019(),;:?!]|(?<=\d)[,:](?=\d))+(?<!\.)"
_SENTENCE_START = r"(?:^|[.?!:])[\s\"'(]*$"


@dataclass(frozen=True, slots=True)
class _Word:
    """A content word of a question: as typed from `start` on, and as `shown` when it is missing.

    A name or code matches only itself; a word that `may_differ` may be misspelt.
    """

    start: int
    text: str
    terms: Sequence[str]
    shown: str
    is_name: bool
    may_differ: bool

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def is_in(self, text: str, terms: frozenset[str]) -> bool:
        """Whether a text with these terms has it: a figure exactly, a word perhaps misspelt."""
        if any(map(str.isdigit, self.text)):
            return has_figure(text, self.text)
        return all(
            not terms.isdisjoint((term, f"{term}s", term.removesuffix("s")))
            or (self.may_differ and _is_misspelt(term, terms))
            for term in self.terms
        )


def missing(reading: Reading, sentences: Sequence[Candidate]) -> tuple[str, ...]:
    """The words of the question that the shown text neither has nor paraphrases.

    The date or count asked for comes last, if certainly no sentence has it ("a date", "a number of
    tasks"), or none that may have it mentions its subject ("a date for Sonnet 5.5").

    :param sentences: of the answer, which are shown with their context.
    """
    parsed = reading.question
    said = [date for one in sentences for date in months_of(_shown(one))]
    dated = [day.span for day in months_asked(parsed.text) if has_moment(said, day)]
    asked = _words(parsed.text, parsed.language)
    asked = [word for word in asked if not overlaps((word.start, word.end), dated)]
    words = _unmatched(reading, asked, sentences)
    if parsed.needs_figure:
        texts = [
            _shown(one) for one in sentences if not cannot_answer(parsed, one.text, one.language)
        ]
        missed = (_missing_names(parsed.text, asked, text) for text in texts)
        names = min(missed, key=len, default=[])
        names = [name for name in names if name not in words]
        if names or not texts:
            wanted = _wanted(parsed, asked)
            named = frozenset(index_terms(wanted))
            words = [word for word in words if not named.issuperset(index_terms(word))]
            words.append(" for ".join([wanted, *names[:1]]))
    return tuple(dict.fromkeys(words))


def lacks_most(question: Question, missing: Sequence[str]) -> bool:
    """Whether the missing words have most of the question's idf."""
    terms = {term for words in missing for term in index_terms(words, question.language)}
    lacking = sum(weight for term, weight in question.idf.items() if term in terms)
    return lacking > FAR_SHARE * sum(question.idf.values())


def _unmatched(
    reading: Reading, words: Sequence[_Word], sentences: Sequence[Candidate]
) -> list[str]:
    """The rare words of the question that the shown text does not cover."""
    idf = reading.question.idf
    passages = {one.hit.passage.id: one.hit.passage for one in sentences}
    tokens = [reading.tokens[key].vectors for key in passages if key in reading.tokens]
    if not tokens or not idf:
        return []
    text = " ".join(map(_shown, sentences))
    languages = {passage.language for passage in passages.values()}
    terms = frozenset(tokenize(text)).union(*(index_terms(text, each) for each in languages))
    total = sum(idf.values())
    highest = max((idf[term] for term in idf if term not in stems("never missing")), default=0.0)
    near = best_cosines(reading.query, np.concatenate(tokens))
    # Where the embedder reads a part only, a word may be paraphrased without its telling so.
    reads_all = reading.question.is_english or reading.question.readable == 1
    found = {}
    for word in words:
        weight = max(idf.get(term, 0.0) for term in word.terms)
        if weight < MIN_IDF_SHARE * highest or word.is_in(text, terms):
            continue
        if word.is_name:
            found[word.shown] = weight
        elif reads_all and not stems("never missing").issuperset(word.terms):
            is_rarest = weight >= max(NAME_SHARE * total, highest)
            if _is_far(reading, word, near, is_rarest=is_rarest):
                found[word.text] = weight
    return list(found) if sum(found.values()) >= MIN_TOTAL_SHARE * total else []


def _is_far(reading: Reading, word: _Word, near: Vector, *, is_rarest: bool) -> bool:
    """Whether no token of the passages is close to a word.

    :param near: the best cosine of each token of the question, shape (tokens,).
    """
    spans = zip(near, reading.query_spans, strict=True)
    cosines = [cosine for cosine, span in spans if overlaps(span, [(word.start, word.end)])]
    limit = UNKNOWN_NAME_BELOW if is_rarest and len(cosines) > 1 else UNKNOWN_BELOW
    return bool(cosines) and float(np.mean(cosines)) < limit


def _shown(candidate: Candidate) -> str:
    """The text of a sentence of the answer with its title, headings and context."""
    passage = candidate.hit.passage
    above = f"{passage.names} {passage.trail} {candidate.unit.full_context} {passage.note_date}"
    return f"{above} {candidate.quote} {candidate.text}"


def _missing_names(question: str, asked: Sequence[_Word], text: str) -> list[str]:
    """The names and numbers of a question that a text lacks, adjacent ones joined."""
    terms = frozenset(index_terms(text))
    names: list[str] = []
    end = -1
    for word in asked:
        if not word.is_name or word.is_in(text, terms):
            continue
        if question[end : word.start] == " ":
            names[-1] += f" {word.text}"
        else:
            names.append(word.shown)
        end = word.end
    return names


def _words(question: str, language: str = ENGLISH) -> list[_Word]:
    """The content words of a question."""
    others = [word for word in question.split()[1:] if any(map(str.isalpha, word))]
    capitals = sum(word != word.lower() for word in others)
    # In title case, or all capitals, they do not mark names.
    marks_names = len(others) < 2 or 2 * capitals <= len(others)
    words: list[_Word] = []
    end = 0
    for token in compiled(_WORD).finditer(question):
        text, terms = token[0], index_terms(token[0], language)
        gap, end = question[max(0, end - 1) : token.start()], token.end()
        if is_stop_word(text, language) or not terms:
            continue
        before = words[-1] if words and words[-1].end + 1 == token.start() else None
        # A bare figure follows the name before it.
        is_bare = (
            before
            and not any(map(str.isalpha, text))
            and not stems("never missing").issuperset(before.terms)
        )
        begins = compiled(_SENTENCE_START).search(gap) is not None
        # "LGPL" is a name in any language.
        least = begins if language == ENGLISH else 1
        is_capital = marks_names and sum(map(str.isupper, text)) > least
        words.append(
            _Word(
                start=token.start(),
                text=text,
                terms=terms,
                shown=f"{before.text} {text}" if before and is_bare else text,
                is_name=is_capital or any(map(str.isdigit, text)),
                may_differ=text.islower() or not marks_names,
            )
        )
    return words


def _is_misspelt(term: str, terms: frozenset[str]) -> bool:
    """Whether it is similar to one of the terms, or an anagram of it."""
    if get_close_matches(term, terms, 1, _MIN_LIKENESS):
        return True
    return any(len(one) == len(term) and sorted(one) == sorted(term) for one in terms)


def _wanted(parsed: Question, asked: Sequence[_Word]) -> str:
    """A phrase for what is asked for."""
    if parsed.kind is QuestionKind.WHEN:
        return "a date"
    if parsed.subject == ("percent",):
        return "a percentage"
    counted = (word.text for word in asked if tuple(word.terms) == parsed.subject)
    return f"a number of {next(counted, 'them')}"
