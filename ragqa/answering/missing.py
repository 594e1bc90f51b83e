"""Find what a question asks for that the excerpts of its answer lack, and where notes have it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ragqa.answering.answer_type import cannot_answer, fits, stems_of_units
from ragqa.answering.citing import cite
from ragqa.answering.notes import Notes
from ragqa.answering.score import Reading, best_cosines
from ragqa.answering.stretch import Stretch
from ragqa.languages import ENGLISH
from ragqa.search.question import Question
from ragqa.search.question_kind import CONTACTS, SHORT, QuestionKind
from ragqa.text.dates import has_moment, months_of
from ragqa.text.names import has_figure
from ragqa.text.words import (
    compiled,
    index_terms,
    is_stop_word,
    is_stop_word_anywhere,
    overlaps,
    stems,
    tokenize,
)
from ragqa.types import Elsewhere, Missing, Vector

UNKNOWN_BELOW = 0.2
"""A word counts as paraphrased if the mean best cosine of its tokens is at least this."""

UNKNOWN_NAME_BELOW = 0.45
NAME_SHARE = 0.25
"""The limit for the question's rarest word, with this share of its idf, if it is several tokens or
a date, number, name or place is asked for: similar names mean other things."""

MIN_IDF_SHARE = 0.5
"""A word counts only if its idf is at least this share of the question's highest."""

MIN_TOTAL_SHARE = 0.2
"""Words are missing only if they have this share of the question's idf."""

FAR_SHARE = 0.5
"""A question of which more is missing, by idf, is far from what was found if that is unlikely to
answer."""

_WORD = r"(?:[^\s\"'\u2019(),;:?!]|(?<=\d)[,:](?=\d))+(?<!\.)"
_SENTENCE_START = r"(?:^|[.?!:])[\s\"'(]*$"


@dataclass(frozen=True, slots=True)
class _Word:
    """A content word of a question, as typed from `start` on."""

    start: int
    text: str
    terms: tuple[str, ...]
    is_name: bool

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def is_in(self, text: str, terms: frozenset[str]) -> bool:
        """Whether a text with these terms has it: a figure exactly, a word in one or many."""
        if any(map(str.isdigit, self.text)):
            return has_figure(text, self.text)
        return all(
            not terms.isdisjoint((term, f"{term}s", term.removesuffix("s"))) for term in self.terms
        )


def missing(
    reading: Reading, sentences: Sequence[Stretch], notes: Notes
) -> tuple[Missing, Sequence[Stretch]]:
    """What of the question the shown text neither has nor paraphrases, and the places that have it.

    :param sentences: of the answer, which are shown with their context.
    """
    question = reading.question
    dates = [date for sentence in sentences for date in months_of(_shown(sentence))]
    dated = [day.span for day in question.days if has_moment(dates, day)]
    asked = list(_words(question.text, question.language))
    words = [word for word in asked if not overlaps((word.start, word.end), dated)]
    # A heading may have the date; a figure there tells nothing.
    whole = question.kind is not QuestionKind.HOW_MANY
    lacks = bool(sentences) and all(
        cannot_answer(question, each.full_text if whole else each.shown, each.language)
        for each in sentences
    )
    # A unit has other spellings: "litres", "l".
    units = frozenset(term for _, term in stems_of_units())
    named = stems("contacts") if question.kind in CONTACTS else question.subject if lacks else units
    others = frozenset(named)
    words = [word for word in words if not others.issuperset(word.terms)]
    # A name has too many forms to say that there is none.
    is_who = question.kind is QuestionKind.WHO
    no_note_has, unsaid = dict[str, None](), dict.fromkeys(["name"] if lacks and is_who else [])
    elsewhere = dict[str, tuple[Stretch, Elsewhere]]()
    subjects = _subjects(question, asked)
    if sentences and all(_is_of_another_line(question, subjects, each) for each in sentences):
        unsaid |= dict.fromkeys(word.text for word in subjects)
    for word in _unmatched(reading, words, sentences):
        # A note may write a date in another way.
        is_day = overlaps((word.start, word.end), [day.span for day in question.days])
        if not question.parts and not is_day and any(map(notes.lack, word.terms)):
            no_note_has[word.text] = None
        elif place := _place_of(word, question, sentences, notes):
            elsewhere[word.text] = place
        else:
            unsaid[word.text] = None
    lacking = Missing(
        no_note_has=tuple(no_note_has),
        elsewhere=tuple(place for _, place in elsewhere.values()),
        not_there=_wanted(question, asked) if lacks and not is_who else "",
        unsaid=tuple(unsaid),
    )
    return lacking, [candidate for candidate, _ in elsewhere.values()]


def _subjects(question: Question, asked: Sequence[_Word]) -> Sequence[_Word]:
    """The names of a question, else its rarest word."""
    names, idf = [word for word in asked if word.is_name], _uncommon(question)
    weights = [max(idf.get(term, 0.0) for term in word.terms) for word in asked]
    return names or ([asked[weights.index(max(weights))]] if asked else [])


def _is_of_another_line(question: Question, subjects: Sequence[_Word], shown: Stretch) -> bool:
    """Whether no line of the subject has a figure of the kind that is asked for.

    That is where a person broke the lines, some have the subject, and what is above them has not.
    """
    if not question.needs_figure or question.kind is QuestionKind.WHO or not shown.has_lines:
        return False

    def has_it(text: str) -> bool:
        terms = frozenset(index_terms(text, shown.language))
        return any(word.is_in(text, terms) for word in subjects)

    lines = [line for line in shown.shown.splitlines() if has_it(line)]
    own = "\n".join(lines)
    is_other = lines and own != shown.shown and not has_it(_above(shown))
    return bool(is_other) and not any(fits(question, own, shown.language))


def lacks_most(question: Question, missing: Missing) -> bool:
    """Whether the missing words have most of the question's idf."""
    words = " ".join((*missing.words, *missing.unsaid))
    terms = frozenset(index_terms(words, question.language))
    lacking = sum(weight for term, weight in question.idf.items() if term in terms)
    return lacking > FAR_SHARE * sum(question.idf.values())


def _uncommon(question: Question) -> dict[str, float]:
    """The idf of the question's terms that are not common in English."""
    return {term: idf for term, idf in question.idf.items() if term not in stems("common")}


def _unmatched(
    reading: Reading, words: Sequence[_Word], sentences: Sequence[Stretch]
) -> list[_Word]:
    """The rare words of the question that the shown text does not cover."""
    idf = _uncommon(reading.question)
    passages = {sentence.passage.id: sentence.passage for sentence in sentences}
    tokens = [reading.tokens[key].vectors for key in passages if key in reading.tokens]
    if not tokens or not idf:
        return []
    text = " ".join(map(_shown, sentences))
    languages = {passage.language for passage in passages.values()}
    terms = frozenset(tokenize(text)).union(*(index_terms(text, each) for each in languages))
    total, highest = sum(idf.values()), max(idf.values())
    whole = sum(reading.question.idf.values())
    near = best_cosines(reading.query, np.concatenate(tokens))
    # Where the embedder reads a part only, a word may be paraphrased without its telling so.
    reads_all = reading.question.language == ENGLISH or reading.question.readable == 1
    uncovered = {}
    for word in words:
        weight = max(idf.get(term, 0.0) for term in word.terms)
        # A figure of another thing does not answer.
        is_subject = word.is_name and reading.question.needs_figure
        is_rare = is_subject or weight >= MIN_IDF_SHARE * highest
        if not is_rare or word.is_in(text, terms):
            continue
        is_rarest = weight >= max(NAME_SHARE * total, highest)
        if word.is_name or (reads_all and _is_far(reading, word, near, is_rarest=is_rarest)):
            is_subject |= is_rarest and reading.question.kind in SHORT
            uncovered[word] = whole if is_subject else weight
    return list(uncovered) if sum(uncovered.values()) >= MIN_TOTAL_SHARE * whole else []


def _is_far(reading: Reading, word: _Word, near: Vector, *, is_rarest: bool) -> bool:
    """Whether no token of the passages is close to a word.

    :param near: the best cosine of each token of the question, shape (tokens,).
    """
    spans = zip(near, reading.query_spans, strict=True)
    cosines = [cosine for cosine, span in spans if overlaps(span, [(word.start, word.end)])]
    is_strict = is_rarest and (len(cosines) > 1 or reading.question.kind in SHORT)
    limit = UNKNOWN_NAME_BELOW if is_strict else UNKNOWN_BELOW
    return bool(cosines) and float(np.mean(cosines)) < limit


def _place_of(
    word: _Word, question: Question, sentences: Sequence[Stretch], notes: Notes
) -> tuple[Stretch, Elsewhere] | None:
    """The first line that has a word just as typed, in the best passage; None if none has it.

    No line that is shown counts.
    """
    if not any(map(str.isalpha, word.text)):
        return None
    typed = compiled(rf"(?i)(?<![\w-]){re.escape(word.text)}(?![\w-])")
    terms = [*word.terms, *word.terms, *word.terms, *question.idf]
    for passage in notes.with_terms(terms):
        layout = notes.open(passage)
        for i in layout.within(passage.start, passage.end):
            if at := typed.search(layout.quote((i, i))):
                place = sentences[0].elsewhere(layout, (i, i))
                if not any(map(place.overlaps, sentences)):
                    line = layout.line(i) + place.quote.count("\n", 0, at.start())
                    where = notes.locator(passage, place.span)
                    cited = replace(cite(place, 0), lines=(line, line), locator=where)
                    return place, Elsewhere(word.text, cited)
    return None


def _shown(candidate: Stretch) -> str:
    """The text of a sentence of the answer with what stands above it."""
    return f"{_above(candidate)} {candidate.quote} {candidate.shown}"


def _above(candidate: Stretch) -> str:
    """Its title, headings, context and date."""
    passage = candidate.passage
    return f"{passage.names} {passage.trail} {candidate.context} {passage.note_date}"


def _words(question: str, language: str = ENGLISH) -> Iterator[_Word]:
    """The content words of a question that are not common in English."""
    others = [word for word in question.split()[1:] if any(map(str.isalpha, word))]
    capitals = sum(word != word.lower() for word in others)
    # In title case, or all capitals, they do not mark names.
    marks_names = len(others) < 2 or 2 * capitals <= len(others)
    end = 0
    for token in compiled(_WORD).finditer(question):
        text, terms = token[0], index_terms(token[0], language)
        gap, end = question[max(0, end - 1) : token.start()], token.end()
        begins = compiled(_SENTENCE_START).search(gap) is not None
        # "Ben" is a name, and "ben" a stop word of another language.
        is_lower = begins or text.islower()
        is_stop = is_stop_word_anywhere(text) if is_lower else is_stop_word(text, language)
        if is_stop or not terms or stems("common").issuperset(terms):
            continue
        # "LGPL" is a name in any language.
        least = begins if language == ENGLISH else 1
        is_capital = marks_names and sum(map(str.isupper, text)) > least
        yield _Word(
            start=token.start(),
            text=text,
            terms=tuple(terms),
            is_name=is_capital or any(map(str.isdigit, text)),
        )


def _wanted(question: Question, asked: Sequence[_Word]) -> str:
    """A phrase for what is asked for."""
    if question.kind is not QuestionKind.HOW_MANY:
        return "date" if question.kind is QuestionKind.WHEN else question.kind.value
    if question.subject == ("percent",):
        return "percentage"
    counted = next((word.text for word in asked if word.terms == question.subject), "")
    return f"number of {counted}" if counted else "figure"
