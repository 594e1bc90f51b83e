"""Read a question once: in which language it is, what it asks for, and how it is searched."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ragqa.embedders import Embedder
from ragqa.errors import Hint, UsageError
from ragqa.index import Snapshot
from ragqa.index.ranking import BM25_K1
from ragqa.languages import ENGLISH, LANGUAGES
from ragqa.search.question_kind import QuestionKind, kind_of, without_frame
from ragqa.search.spelling import (
    best_by_terms,
    correct_spelling,
    idf_in,
    in_no_note,
    known_terms,
)
from ragqa.text.dates import Moment, Period, date_terms, day_asked, months_asked, period_asked
from ragqa.text.words import (
    WORD,
    Word,
    blank,
    index_terms,
    is_latin,
    is_stop_word_anywhere,
    overlaps,
    query_forms,
    query_terms,
    stems,
    strange_words,
    tokenize,
    words_of,
)
from ragqa.types import Correction, Filters, Kind, Pieces, TokenVectors

MAX_QUESTION_BYTES = 8_000
_GIVE = "give some words to look for"

UNREAD_BYTES = 1.7
READ_BYTES = 3.6
"""The mean bytes of a word piece at which the embedder reads nothing, and at which it reads
everything; between them it is taken to read a part (docs/decisions/search.md)."""

UNREAD_WORDS = 0.45
READ_WORDS = 0.6
"""The shares of pieces that are words at which it reads nothing, and everything: the default model
has .73 or more in English texts of all kinds, .36 or less in any other language."""

_MIN_COMPOUND = 8
_MIN_PART = 4
_LINKS = ("", "s", "es", "n", "en", "er", "e")
"""What may stand between the parts of a German, Dutch or Scandinavian compound."""

_VOTES = 10
"""How many of the best passages by terms tell a question's language if its words do not."""

_DOUBT = 2
"""One stop word tells little: a language with one strange word more may be the question's, if its
passages score this many times as much."""

_RARE = 8
"""The most passages that have a rare word."""

_ALIAS_PASSAGES = 5
"""Aliases are looked up in this many of the best passages by terms."""


@dataclass(frozen=True)
class Question:
    """A question as it is searched and answered.

    `text` is what is searched: misspelt words are `corrected`, and an alias that no note mentions
    is replaced by its note's title. `typed` is the user's wording. `period` is the day, week,
    month, year or longer time that it is about.

    `languages` are those of the notes, the question's own probably first. `readable` is how far the
    embedder can read it, 0 to 1. `kind` is what it asks for. `subject` has the terms of what is to
    be defined or counted, () for other kinds.

    `terms` has those of its content words in all languages, and `idf` the inverse document
    frequency of those that are `searched`, in order, with repetitions. `parts` are the terms of
    what its compounds are made of, searched too. `length` is the Euclidean length of the question
    as a vector of the most that each of these terms can score.
    """

    text: str
    vectors: TokenVectors
    typed: str
    corrected: tuple[Correction, ...]
    languages: tuple[str, ...]
    readable: float
    kind: QuestionKind
    subject: tuple[str, ...]
    terms: frozenset[str]
    searched: tuple[str, ...]
    parts: tuple[str, ...]
    idf: Mapping[str, float]
    length: float
    period: Period | None = None

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The words of `text`, in order."""
        return words_of(self.text, self.language)

    @cached_property
    def days(self) -> Sequence[Moment]:
        """The dates that it names, if they give at least a month."""
        return months_asked(self.text)

    @cached_property
    def figures(self) -> Sequence[str]:
        """Its words with digits, such as codes, that are no part of these dates."""
        rest = blank(self.text, [day.span for day in self.days])
        return [word.strip("?!.,;:()'\"") for word in rest.split() if any(map(str.isdigit, word))]

    @property
    def language(self) -> str:
        """The language that it is probably in."""
        return self.languages[0]

    @property
    def by_terms_alone(self) -> bool:
        """Whether the embedder cannot read it."""
        return not self.readable


def clean_question(text: str) -> str:
    """The question without control characters, and with single spaces.

    :raises UsageError: it has no words, or more than 8,000 bytes.
    """
    readable = text.encode("utf-8", "replace").decode("utf-8")
    words = "".join(c for c in readable if c.isspace() or unicodedata.category(c) != "Cc").split()
    text = " ".join(words)
    size = len(text.encode("utf-8"))
    if size > MAX_QUESTION_BYTES:
        raise UsageError(
            f"the question has {size} bytes; at most {MAX_QUESTION_BYTES} are read",
            hint=Hint("ask something shorter"),
        )
    if not any(c.isalnum() for c in text):
        raise UsageError(
            "the question is empty" if not text else f"there are no words in the question {text!r}",
            hint=Hint('ragqa ask "when should I fine-tune?"', tool=_GIVE, page=_GIVE),
        )
    return text


def read_question(
    snapshot: Snapshot,
    embedder: Embedder,
    typed: str,
    *,
    filters: Filters | None = None,
    today: date | None = None,
) -> Question:
    """Read a question, in the languages that the notes have.

    Misspelt words are corrected. A day is written as notes are dated, and an alias that stands only
    in front matter is replaced by the title of its note.

    :param typed: as `clean_question` returns it.
    :param today: a month or day without a year is more likely the last one before.
    """
    filters, asked, corrected = filters or Filters(), typed, tuple[Correction, ...]()
    period = period_asked(typed, today) if today else None
    if today and (named := day_asked(typed, today)):
        day, (start, end) = named
        period = Period(day, day)
        if not months_asked(typed[start:end]):  # a date would only be written otherwise
            corrected = (Correction(typed[start:end], day),)
        asked = f"{typed[:start]}{day}{typed[end:]}"
    asked = without_frame(asked)
    languages = languages_for(snapshot, asked)
    spelled, misspelt = correct_spelling(snapshot, embedder, asked, languages)
    if spelled != asked:
        languages = languages_for(snapshot, spelled)
    forms = query_forms(spelled, languages)
    text = _with_title(snapshot, spelled, forms, languages[0], filters)
    if text != spelled:
        languages = languages_for(snapshot, text)
        forms = query_forms(text, languages)
    dated = date_terms(text, languages[0], before=today)
    searched = (*_terms_in(snapshot, forms), *sorted(known_terms(snapshot, dated)))
    parts = tuple(_parts(snapshot, text, languages))
    idf = snapshot.idf([*searched, *parts])
    times = Counter((*searched, *parts))
    kind, subject = kind_of(text, languages[0])
    return Question(
        text=text,
        vectors=embedder.embed_query(text),
        typed=typed,
        corrected=(*corrected, *misspelt),
        languages=languages,
        readable=_readable(snapshot, embedder, text, languages[0]),
        kind=kind,
        subject=subject,
        terms=frozenset(term for terms in forms for term in terms),
        searched=searched,
        parts=parts,
        idf={term: idf[term] for term in searched},
        length=math.hypot(*((BM25_K1 + 1) * n * idf[term] for term, n in times.items())) or 1.0,
        period=period,
    )


def languages_for(snapshot: Snapshot, question: str) -> tuple[str, ...]:
    """The languages of the notes, most likely that of the question first; never empty.

    They are told by letters and stop words; of those that these can hardly tell apart, by the notes
    that have the question's words.
    """
    pieces = snapshot.info.languages
    codes = sorted(pieces, key=lambda code: (-pieces[code].number, code)) or [ENGLISH]
    if len(codes) == 1:
        return tuple(codes)
    strange = {code: strange_words(question, code) for code in codes}
    codes.sort(key=lambda code: strange[code])
    fewest = strange[codes[0]]
    near = [code for code in codes if strange[code] <= fewest + 1]
    if len(near) > 1:
        votes = _votes(snapshot, question, near)
        likely = max(near, key=lambda code: votes[code] / (_DOUBT if strange[code] > fewest else 1))
        codes.sort(key=lambda code: code != likely)
    return tuple(codes)


def _votes(snapshot: Snapshot, question: str, languages: Sequence[str]) -> dict[str, float]:
    """What the best passages for a question's words score, by their language."""
    terms = [term for code in languages for term in query_terms(question, [code])]
    best = dict(snapshot.best(list(dict.fromkeys(terms)), _VOTES, Filters()))
    votes: dict[str, float] = dict.fromkeys(languages, 0.0)
    for passage in snapshot.passages(list(best)):
        votes[passage.language] = votes.get(passage.language, 0.0) + best[passage.id]
    return votes


def _terms_in(snapshot: Snapshot, forms: Sequence[Sequence[str]]) -> list[str]:
    """The terms to search for: each word's in the first of the languages in which notes have it.

    A rare word, such as a name, is searched by its terms in all of them.

    :param forms: the terms of each word, by the order of the languages.
    """
    several = [term for terms in forms if len(terms) > 1 for term in terms]
    idf = snapshot.idf(several) if several else {}
    in_none, in_few = idf_in(snapshot, 0), idf_in(snapshot, _RARE)
    searched: list[str] = []
    for terms in forms:
        there = [term for term in terms if idf.get(term, 0.0) < in_none] or terms[:1]
        searched += there if idf.get(there[0], 0.0) > in_few else there[:1]
    return searched


def _with_title(
    snapshot: Snapshot,
    question: str,
    forms: Sequence[Sequence[str]],
    language: str,
    filters: Filters,
) -> str:
    """The question with an alias replaced by its note's title, if no text has the alias.

    The embedder does not know such a name, and the sentences that answer do not use it.

    :param forms: the terms of each of its words.
    """
    words = list(WORD.finditer(question))
    own = [" ".join(index_terms(word[0], language)) for word in words]
    searched = [term for terms in forms for term in terms]
    for passage in best_by_terms(snapshot, searched, _ALIAS_PASSAGES, filters):
        for alias in passage.aliases:
            alias_terms = " ".join(index_terms(alias, language))
            size = len(WORD.findall(alias))
            runs = [" ".join(own[at : at + size]) for at in range(len(words) - size + 1)]
            if alias_terms and alias_terms in runs and not _is_in_text(snapshot, alias, filters):
                first = runs.index(alias_terms)
                start, end = words[first].start(), words[first + size - 1].end()
                return f"{question[:start]}{passage.title}{question[end:]}"
    return question


def _is_in_text(snapshot: Snapshot, alias: str, filters: Filters) -> bool:
    """Whether the texts that match an alias best have all of it; front matter does not count."""
    languages = languages_for(snapshot, alias)
    wanted = _terms_in(snapshot, query_forms(alias, languages))
    passages = best_by_terms(snapshot, wanted, _ALIAS_PASSAGES, filters)
    texts = [
        passage.embedded_text
        for passage in passages
        if all(unit.kind is not Kind.PROPERTY for unit in passage.units)
    ]
    text_terms = (term for text in texts for term in query_terms(text, languages))
    return frozenset(text_terms).issuperset(wanted)


def _parts(snapshot: Snapshot, question: str, languages: Sequence[str]) -> Iterator[str]:
    """The terms of the parts of the question's compounds, which several passages must have.

    Of several ways to split a word, the one with the most frequent parts (Koehn and Knight,
    "Empirical Methods for Compound Splitting", 2003).
    """
    language = next((code for code in languages if LANGUAGES[code].compounds), None)
    if language is None:
        return
    in_one = idf_in(snapshot, 1)
    for word in tokenize(question):
        if len(word) < _MIN_COMPOUND or not word.isalpha():
            continue
        # In a question in another language, only a word that no note has may be a compound.
        if language != languages[0] and known_terms(snapshot, query_terms(word, languages)):
            continue
        ways = {way: index_terms(" ".join(way), language) for way in _ways(word)}
        idf = snapshot.idf([term for terms in ways.values() for term in terms])
        split = [terms for terms in ways.values() if all(idf[term] < in_one for term in terms)]
        yield from min(split, key=lambda terms: sum(idf[term] for term in terms), default=())


def _ways(word: str) -> Iterable[tuple[str, str]]:
    """The ways to split a word in two, without what links the parts."""
    for at in range(_MIN_PART, len(word) - _MIN_PART + 1):
        for link in _LINKS:
            first = word[:at].removesuffix(link)
            if len(first) == at - len(link) >= _MIN_PART:
                yield first, word[at:]


def _readable(snapshot: Snapshot, embedder: Embedder, question: str, language: str) -> float:
    known = snapshot.info.languages.get(language)
    share = share_read(known) if known else 1.0
    # A question in another script than its notes.
    return share if is_latin(question) else min(share, share_read(embedder.pieces([question])))


def share_read(pieces: Pieces) -> float:
    """How far an embedder reads the texts that it cuts into these pieces, 0 to 1.

    A piece has few bytes if the embedder sees fragments, or nothing it knows. Where words are
    short, as in a diary, most pieces are words even though they have few bytes.
    """
    number = max(1, pieces.number)
    by_size = (pieces.known_bytes / number - UNREAD_BYTES) / (READ_BYTES - UNREAD_BYTES)
    by_words = (pieces.words / number - UNREAD_WORDS) / (READ_WORDS - UNREAD_WORDS)
    return min(1.0, max(0.0, by_size, by_words))


def words_in_no_note(snapshot: Snapshot, question: Question) -> tuple[str, ...]:
    """The words of a question that no note has, in any like spelling, as typed.

    Words that are common in English are none of them. A note may write a date in another way, and
    the parts of a compound apart.
    """
    days, lacking = [day.span for day in question.days], dict[str, None]()
    for word in () if question.parts else question.words:
        text = question.text[word.start : word.end]
        terms = index_terms(text, question.language)
        # "Ben" is a name, and "ben" a stop word of another language.
        is_stop = not word.stem or (text.islower() and is_stop_word_anywhere(text))
        is_day = overlaps((word.start, word.end), days)
        if is_stop or word.negates or is_day or stems("common").issuperset(terms):
            continue
        if all(in_no_note(snapshot, term) for term in terms):
            lacking[text] = None
    return tuple(lacking)
