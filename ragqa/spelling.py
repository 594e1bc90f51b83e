"""Words of a question that no note has, read as the nearest word that the notes have.

Only what looks like a slip of the keyboard is corrected, and only where a passage has the nearest
word beside another word of the question. What each rule is worth is in docs/decisions/spelling.md.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ragqa.analysis import CONTRACTED, STOP_WORDS, WORD, index_terms, is_latin, query_terms
from ragqa.embedders import Embedder
from ragqa.stores import Snapshot
from ragqa.stores.bm25 import inverse_frequency
from ragqa.types import Correction, Filters

SHORTEST = 5
"""A word or its correction has so many letters: shorter ones are near too many others.

Only two letters that are swapped are told in one that is shorter by a letter, too.
"""

TWO_EDITS_FROM = 9
"""A word of so many letters may be two edits away, a shorter one only one."""

MOST = 4
"""A question with more words that no note has is not misspelt, but about something else."""

_SHORTEST_TERM = 3
_LONGEST_ENDING = 8
"""A stem lacks at most so many letters of its words."""

_TERMS_TRIED = 40
_PASSAGES_READ = 10
"""So many passages of each term are looked through for the words that it is the stem of."""

_COMPANY = 20
"""A word is beside another one if so many of the best passages for both have one with both."""

_ROUNDING = 1e-6
_EVERYWHERE = Filters()
_EDGES = "?!.,;:()[]\u2026"
_QUOTED = re.compile(
    r"\"[^\"]*\"|`[^`]*`|\u201c[^\u201d]*\u201d|(?<!\w)['\u2018][^'\u2019]*['\u2019](?!\w)"
)
_INFLECTION = "(e?s|e?d|ings?|e?rs?|ly)"
_WRITTEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Spelled:
    """A question with its contractions and misspelt words put right, and which these were."""

    question: str
    corrected: tuple[Correction, ...] = ()


def spelled(snapshot: Snapshot, embedder: Embedder, question: str) -> Spelled:
    """Put the spelling of a question right, as far as it is certain."""
    question = with_apostrophes(question)
    unknown = _unknown(snapshot, question)
    if not 0 < len(unknown) <= MOST:
        return Spelled(question)
    found = {}
    for word in unknown:
        if _is_vocabulary(embedder, word):
            continue
        if nearest := _nearest(snapshot, word, _company(snapshot, question, word)):
            found[word] = nearest
    pieces, end = [], 0
    for start, word in _words(question):
        if word in found:
            pieces += [question[end:start], found[word]]
            end = start + len(word)
    corrected = tuple(Correction(word, nearest) for word, nearest in found.items())
    return Spelled("".join([*pieces, question[end:]]), corrected)


def with_apostrophes(question: str) -> str:
    """The question with the apostrophes that its contractions lack: "whats" is read as "what's"."""
    pieces, end = [], 0
    for start, word in _words(question, least=2):
        contracted = CONTRACTED.get(word.casefold())
        if contracted and len(contracted) == len(word) + 1:
            at = start + contracted.index("'")
            pieces += [question[end:at], "'"]
            end = at
    return "".join([*pieces, question[end:]])


def edit_distances(word: str, other: str) -> list[int]:
    """The distance of a word to each beginning of another one, the whole of it last.

    That is how many letters are put in, left out, replaced, or swapped with the next one (optimal
    string alignment).
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(word, start=1):
        row = [i]
        for j, other_letter in enumerate(other, start=1):
            edits = min(last[j] + 1, row[-1] + 1, last[j - 1] + (letter != other_letter))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == other_letter:
                edits = min(edits, before[j - 2] + 1)
            row.append(edits)
        before, last = last, row
    return last


def _words(question: str, least: int = SHORTEST - 1) -> Iterator[tuple[int, str]]:
    """The words that may be misspelt, and where each begins: no names, codes or quotations."""
    quoted = [found.span() for found in _QUOTED.finditer(question)]
    for token in re.finditer(r"\S+", question):
        text = token[0].strip(_EDGES)
        begin = token.start() + token[0].index(text)
        is_quoted = any(start < begin + len(text) and begin < end for start, end in quoted)
        if is_quoted or not _WRITTEN.fullmatch(text):
            continue
        for part in WORD.finditer(text):
            start, word = begin + part.start(), part[0]
            may_begin_large = start == 0
            rest = word[1:] if may_begin_large else word
            if len(word) >= least and rest == rest.lower() and is_latin(word):
                yield start, word


def _unknown(snapshot: Snapshot, question: str) -> list[str]:
    """The words that may be misspelt, and that no note has in any form."""
    words = {
        word: index_terms(word) for _, word in _words(question) if word.casefold() not in STOP_WORDS
    }
    known = _known(snapshot, [term for terms in words.values() for term in terms])
    return [word for word, terms in words.items() if terms and known.isdisjoint(terms)]


def _known(snapshot: Snapshot, terms: Sequence[str]) -> frozenset[str]:
    """Those of the terms that a passage has."""
    in_none = inverse_frequency(snapshot.info.passages, 0) - _ROUNDING
    return frozenset(term for term, idf in snapshot.idf(terms).items() if idf < in_none)


def _company(snapshot: Snapshot, question: str, word: str) -> frozenset[str]:
    """The terms of the question's other words, as far as notes have them."""
    others = set(query_terms(question)).difference(index_terms(word))
    return _known(snapshot, sorted(others))


def _nearest(snapshot: Snapshot, word: str, company: Collection[str]) -> str:
    """The word of the notes that a word is most likely to stand for, "" for none."""
    folded = _folded(word)
    edits = 2 if len(folded) >= TWO_EDITS_FROM else 1
    forms = _Forms(snapshot, folded, edits)
    for distance, place, term in _terms_near(snapshot, folded, edits)[:_TERMS_TRIED]:
        if distance > forms.edits:
            break
        forms.look_through(term, place)
    for form in forms.nearest():
        if not company or _is_beside(snapshot, index_terms(form), company):
            return forms.written(form)
    return ""


def _terms_near(snapshot: Snapshot, word: str, edits: int) -> list[tuple[int, int, str]]:
    """The terms that a word near this one may have for its stem, the nearest first.

    Each with its distance to a beginning of the word, and its place among all by frequency. The
    first letter is taken to be right, or swapped with the second.
    """
    letters, found = frozenset(word), []
    shortest = max(_SHORTEST_TERM, len(word) - _LONGEST_ENDING)
    for start in dict.fromkeys((word[0], word[1] + word[0])):
        for place, term in enumerate(snapshot.terms_with_prefix(start)):
            fits = shortest <= len(term) <= len(word) + edits
            # A stem may end in "i" where its words have "y".
            sure = term.removesuffix("i")
            if not fits or len(set(sure) - letters) > edits:
                continue
            distance = min(edit_distances(sure, word))
            if distance <= edits:
                found.append((distance, place, term))
    return sorted(found)


class _Forms:
    """The words near a word in the passages that were looked through.

    :ivar edits: how far a word may be to be among the nearest; smaller once one is found.
    """

    def __init__(self, snapshot: Snapshot, word: str, edits: int) -> None:
        self.edits = edits
        self._snapshot = snapshot
        self._word = word
        self._starts = (word[0], word[1] + word[0])
        self._distances: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._spellings: dict[str, Counter[str]] = {}

    def look_through(self, term: str, place: int) -> None:
        """Look through the best passages for a term."""
        found = self._snapshot.terms([term], _PASSAGES_READ, _EVERYWHERE)
        for passage in self._snapshot.passages([id_ for id_, _ in found]):
            text = passage.searched_text
            for spelling, times in Counter(WORD.findall(text)).items():
                form = _folded(spelling)
                if form not in self._distances:
                    self._distances[form] = self._distance(form)
                if self._distances[form] <= self.edits:
                    self.edits = min(self.edits, self._distances[form])
                    self._places.setdefault(form, place)
                    self._spellings.setdefault(form, Counter())[_spelling(spelling, text)] += times

    def nearest(self) -> list[str]:
        """The nearest words that were found, the most frequent first."""
        near = [form for form in self._places if self._distances[form] == self.edits]
        return sorted(near, key=lambda form: (self._places[form], form))

    def written(self, form: str) -> str:
        """A word as the notes mostly write it."""
        spellings = self._spellings[form]
        small = [spelling for spelling in spellings if spelling == spelling.lower()]
        return max(small or spellings, key=lambda spelling: (spellings[spelling], spelling))

    def _distance(self, form: str) -> int:
        never = len(self._word)
        too_short = max(len(form), never) < SHORTEST and sorted(form) != sorted(self._word)
        too_far = abs(len(form) - never) > self.edits
        if too_short or too_far or not form.startswith(self._starts) or not form.isalpha():
            return never
        distance = edit_distances(self._word, form)[-1]
        return distance if _is_slip(self._word, form) else never


def _spelling(word: str, text: str) -> str:
    """A word of a text as it is written within a sentence: a capital at its beginning is none."""
    within = re.search(rf"[a-z,] {re.escape(word)}\b", text)
    return word if within else word.lower()


def _is_slip(word: str, other: str) -> bool:
    """Whether a word is rather another one misspelt than a word of its own with its own ending."""
    ends_otherwise = word[:-1] == other[:-1]
    ends_longer = word[:-1] == other and word[-1] != word[-2]
    return not ends_otherwise and not ends_longer


def _is_beside(snapshot: Snapshot, own: Sequence[str], company: Collection[str]) -> bool:
    """Whether a passage has a word of these terms, and one of the others too."""
    found = snapshot.terms([*own, *own, *own, *company], _COMPANY, _EVERYWHERE)
    passages = snapshot.passages([id_ for id_, _ in found])
    said = (frozenset(index_terms(passage.searched_text)) for passage in passages)
    return any(one.issuperset(own) and not one.isdisjoint(company) for one in said)


def _is_vocabulary(embedder: Embedder, word: str) -> bool:
    """Whether the embedder has a word whole, or what it is an inflection of, and so knows it.

    An embedder that also has any letters whole knows no words.
    """
    word = word.casefold()
    forms = [word]
    for stem in index_terms(word):
        if re.fullmatch(rf"{stem}{stem[-1]}?{_INFLECTION}", word):
            forms += [stem, f"{stem}e"]
    letters = f"{word}{word[::-1]}"
    nothing, invented, *known = embedder.count_tokens(["", letters, *forms])
    return invented > nothing + 1 and min(known) <= nothing + 1


def _folded(word: str) -> str:
    """A word in small letters without accents."""
    small = word.casefold()
    if small.isascii():
        return small
    letters = unicodedata.normalize("NFKD", small)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
