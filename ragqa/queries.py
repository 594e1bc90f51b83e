"""How a question is searched: in which languages, by which terms, and how far by its meaning."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ragqa.embedders import Embedder
from ragqa.languages import ENGLISH, LANGUAGES
from ragqa.stores import Snapshot
from ragqa.stores.ranking import inverse_frequency
from ragqa.text.words import (
    index_terms,
    is_latin,
    query_forms,
    query_terms,
    strange_words,
    tokenize,
)
from ragqa.types import Filters, Pieces

UNREAD_BYTES = 1.7
READ_BYTES = 3.6
"""The mean bytes of a word piece at which the embedder reads nothing, and at which it reads
everything; between them it is taken to read a part (docs/decisions/languages.md)."""

UNREAD_WORDS = 0.45
READ_WORDS = 0.6
"""The same of the share of pieces that are words: with the default model .73 or more in English
texts of all kinds, .36 or less in any other language."""

_MIN_COMPOUND = 8
_MIN_PART = 4
_LINKS = ("", "s", "es", "n", "en", "er", "e")
"""What may stand between the parts of a German, Dutch or Scandinavian compound."""

_VOTES = 10
"""How many of the best passages by terms tell a question's language if its words do not."""

_DOUBT = 2
"""One stop word tells little: a language with one strange word more may be the question's, if the
notes speak for it so many times as much."""

_RARE = 8
"""The most passages that have a rare word."""

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is searched.

    `languages` are those of the notes, the question's own probably first. `terms` are those of its
    words, and `parts` those of the words that its compounds are made of. `readable` is how far the
    embedder can read it, 0 to 1.
    """

    languages: tuple[str, ...]
    terms: Sequence[str]
    parts: Sequence[str]
    readable: float


def query_for(snapshot: Snapshot, embedder: Embedder, question: str) -> Query:
    """Analyse a question in the languages that the notes have."""
    languages = languages_for(snapshot, question)
    return Query(
        languages=languages,
        terms=terms_for(snapshot, question, languages),
        parts=list(_parts(snapshot, question, languages)),
        readable=_readable(snapshot, embedder, question, languages[0]),
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
    best = dict(snapshot.terms(list(dict.fromkeys(terms)), _VOTES, Filters()))
    votes: dict[str, float] = dict.fromkeys(languages, 0.0)
    for passage in snapshot.passages(list(best)):
        votes[passage.language] = votes.get(passage.language, 0.0) + best[passage.id]
    return votes


def terms_for(snapshot: Snapshot, question: str, languages: Sequence[str]) -> list[str]:
    """The terms to search for: each word's in the first of the languages in which notes have it.

    A rare word, such as a name, is searched by its terms in all of them.
    """
    forms = query_forms(question, languages)
    several = [term for terms in forms if len(terms) > 1 for term in terms]
    idf = snapshot.idf(several) if several else {}
    in_none, in_few = _idf_in(snapshot, 0), _idf_in(snapshot, _RARE)
    found: list[str] = []
    for terms in forms:
        there = [term for term in terms if idf.get(term, 0.0) < in_none] or terms[:1]
        found += there if idf.get(there[0], 0.0) > in_few else there[:1]
    return found


def known_terms(snapshot: Snapshot, terms: Sequence[str]) -> frozenset[str]:
    """The terms that some passage has."""
    in_none = _idf_in(snapshot, 0)
    return frozenset(term for term, idf in snapshot.idf(terms).items() if idf < in_none)


def _idf_in(snapshot: Snapshot, passages: int) -> float:
    """The inverse document frequency of a term that so many passages have, less any rounding."""
    return inverse_frequency(snapshot.info.passages, passages) - _ROUNDING


def _parts(snapshot: Snapshot, question: str, languages: Sequence[str]) -> Iterator[str]:
    """The terms of the parts of the question's compounds, which several passages must have.

    Of several ways to split a word, the one with the most frequent parts (Koehn and Knight,
    "Empirical Methods for Compound Splitting", 2003).
    """
    language = next((code for code in languages if LANGUAGES[code].compounds), None)
    if language is None:
        return
    in_one = _idf_in(snapshot, 1)
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

    Where words are short, as in a diary, most pieces are words even though they have few bytes.
    """
    by_size = (pieces.mean_bytes - UNREAD_BYTES) / (READ_BYTES - UNREAD_BYTES)
    by_words = (pieces.word_share - UNREAD_WORDS) / (READ_WORDS - UNREAD_WORDS)
    return min(1.0, max(0.0, by_size, by_words))
