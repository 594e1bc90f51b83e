"""Correct the words of a question that no note has to the nearest word of the notes.

Only likely typing errors are corrected. docs/decisions/search.md measures each rule.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_lowercase

from ragqa.embedders import Embedder
from ragqa.index import Snapshot
from ragqa.index.ranking import inverse_frequency
from ragqa.text.words import (
    WORD,
    compiled,
    index_terms,
    is_latin,
    is_stop_word,
    overlaps,
)
from ragqa.types import Correction, Filters, Passage

MIN_LETTERS = 5
"""The fewest letters of a word or its correction: shorter ones are near too many others."""

TWO_EDITS_LETTERS = 9
"""Words with this many letters may be two edits away, shorter ones only one."""

MAX_UNKNOWN = 4
"""A question with more unknown words is not misspelt, but about something else."""

_MIN_TERM = 3
_MIN_PART = 4
"""The fewest letters of a word that is told within another: "pfand" in "flaschenpfand"."""

_MAX_ENDING = 8
"""The most letters that stemming removes from a word."""

_MAX_TERMS = 40
_PASSAGES_PER_TERM = 10
"""So many passages of each of so many near stems are searched for the word."""

_ROUNDING = 1e-6

_EDGES = "?!.,;:()[]\u2026"
_QUOTED = r"\"[^\"]*\"|`[^`]*`|\u201c[^\u201d]*\u201d|(?<!\w)['\u2018][^'\u2019]*['\u2019](?!\w)"


def correct_spelling(
    snapshot: Snapshot, embedder: Embedder, question: str, languages: Sequence[str]
) -> tuple[str, tuple[Correction, ...]]:
    """The question with misspelt words corrected where that is safe.

    :param languages: those of the notes, the question's own first.
    :returns: the question, and the corrections of its words.
    """
    unknown = _unknown(snapshot, question, languages)
    if len(unknown) > MAX_UNKNOWN:
        return question, ()
    corrected = tuple(
        Correction(word, nearest)
        for word in unknown
        if not _is_vocabulary(embedder, word) and (nearest := _nearest(snapshot, word))
    )
    return _replaced(question, {word.typed: word.read for word in corrected}), corrected


def known_terms(snapshot: Snapshot, terms: Sequence[str]) -> frozenset[str]:
    """The terms that some passage has."""
    in_none = idf_in(snapshot, 0)
    return frozenset(term for term, idf in snapshot.idf(terms).items() if idf < in_none)


def in_no_note(snapshot: Snapshot, term: str) -> bool:
    """Whether no passage has a term, one that contains it or is like it, or both of its halves.

    False, too, where the store cannot list its terms, so that similar ones are not known.
    """
    if known_terms(snapshot, [term]):
        return False
    halves = [(term[:at], term[at:]) for at in range(2, len(term) - 1)]
    known = known_terms(snapshot, [half for each in halves for half in each])
    if any(known.issuperset(each) for each in halves):
        return False
    starts = dict.fromkeys((*ascii_lowercase, term[:1]))
    every = [other for start in starts for other in snapshot.engine.terms_with_prefix(start)]
    is_part = len(term) >= _MIN_PART
    contain = (other for other in every if other.startswith(term) or (is_part and term in other))
    if not every or any(contain):
        return False
    may_be_misspelt = len(term) >= MIN_LETTERS and term.isalpha()
    similar = [other for other in every if may_be_misspelt and other.startswith(_starts(term))]
    return not _near(term, similar, 1 + (len(term) > TWO_EDITS_LETTERS))


def idf_in(snapshot: Snapshot, passages: int) -> float:
    """The inverse document frequency of a term that so many passages have, less any rounding."""
    return inverse_frequency(snapshot.info.passages, passages) - _ROUNDING


def _replaced(question: str, replacements: Mapping[str, str]) -> str:
    """The question with these words replaced."""
    pieces, end = [], 0
    for start, word in _words(question):
        pieces += [question[end:start], replacements.get(word, word)]
        end = start + len(word)
    return "".join([*pieces, question[end:]])


def _words(question: str) -> Iterator[tuple[int, str]]:
    """The offset and text of each word that may be misspelt: no names, codes or quotations."""
    quoted = [quotation.span() for quotation in compiled(_QUOTED).finditer(question)]
    for token in re.finditer(r"\S+", question):
        text = token[0].strip(_EDGES)
        begins = token.start() + token[0].index(text)
        is_quoted = overlaps((begins, begins + len(text)), quoted)
        if is_quoted or not compiled(r"[^\W\d_]+(?:-[^\W\d_]+)*").fullmatch(text):
            continue
        for part in WORD.finditer(text):
            start, word = begins + part.start(), part[0]
            rest = word if start else word[1:]
            if len(word) >= MIN_LETTERS - 1 and rest == rest.lower() and is_latin(word):
                yield start, word


def _unknown(snapshot: Snapshot, question: str, languages: Sequence[str]) -> list[str]:
    """The possibly misspelt words that no note has in any form."""
    words = {
        word: [term for language in languages for term in index_terms(word, language)]
        for _, word in _words(question)
        if not is_stop_word(word, languages[0])
    }
    known = known_terms(snapshot, [term for terms in words.values() for term in terms])
    return [word for word, terms in words.items() if terms and known.isdisjoint(terms)]


def _nearest(snapshot: Snapshot, word: str) -> str:
    """The nearest word of the notes, "" for none."""
    word = _folded(word)
    most = 2 if len(word) >= TWO_EDITS_LETTERS else 1
    terms = [term for start in _starts(word) for term in snapshot.engine.terms_with_prefix(start)]
    # A stem may end in "i" where its words have "y".
    stems = [term.removesuffix("i") for term in terms]
    ends = range(max(_MIN_TERM, len(word) - _MAX_ENDING), len(word) + 1)
    near = sorted({found for end in ends for found in _near(word[:end], stems, most)})
    found = set[tuple[int, int, str]]()
    for rank in [rank for _, rank in near][:_MAX_TERMS]:
        for passage in best_by_terms(snapshot, [terms[rank]], _PASSAGES_PER_TERM):
            words = sorted({each.lower() for each in WORD.findall(passage.searched_text)})
            forms = [_folded(each) for each in words]
            slips = (one for one in _near(word, forms, most) if _is_slip(word, forms[one[1]]))
            found |= {(edits, rank, words[at]) for edits, at in slips}
    return min(found)[2] if found else ""


def _near(word: str, choices: Sequence[str], most: int) -> list[tuple[int, int]]:
    """The edits to each choice that is at most so many away, and its place among them.

    An edit inserts, deletes or replaces a letter or swaps two (optimal string alignment).
    """
    from rapidfuzz import process  # seldom needed
    from rapidfuzz.distance import OSA

    found = process.extract(word, choices, scorer=OSA.distance, score_cutoff=most, limit=None)
    return [(edits, at) for _, edits, at in found]


def _starts(word: str) -> tuple[str, str]:
    """How the notes may begin it: the first letter is right, or swapped with the second."""
    return word[0], word[1] + word[0]


def _is_slip(word: str, form: str) -> bool:
    """Whether a word may be this one misspelt: with another ending it is rather another word."""
    ends_otherwise = word[:-1] == form[:-1]
    ends_longer = word[:-1] == form and word[-1] != word[-2]
    is_word = len(form) >= MIN_LETTERS and form.isalpha() and form.startswith(_starts(word))
    return is_word and not ends_otherwise and not ends_longer


def best_by_terms(
    snapshot: Snapshot, terms: Sequence[str], most: int, filters: Filters | None = None
) -> list[Passage]:
    """The best passages for some terms."""
    scored = snapshot.best(terms, most, filters or Filters())
    return snapshot.passages([id_ for id_, _ in scored])


def _is_vocabulary(embedder: Embedder, word: str) -> bool:
    """Whether a word or its base form is one token to the embedder, which so knows it.

    An embedder with one token for any string knows no words.
    """
    word = word.casefold()
    stems = index_terms(word)
    texts = ["", f"{word}{word[::-1]}", word, *stems, *(f"{stem}e" for stem in stems)]
    empty, nonword, *known = embedder.count_tokens(texts)
    return nonword > empty + 1 and min(known) <= empty + 1


def _folded(word: str) -> str:
    """A word in lower case without accents."""
    lower = word.casefold()
    if lower.isascii():
        return lower
    letters = unicodedata.normalize("NFKD", lower)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
