"""Correct the words of a question that no note has to the nearest word of the notes.

Only likely typing errors are corrected, and only to a word that shares a passage with another word
of the question. docs/decisions/spelling.md measures each rule.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ragqa.embedders import Embedder
from ragqa.stores import Snapshot
from ragqa.stores.ranking import inverse_frequency
from ragqa.text.words import CONTRACTED, STOP_WORDS, WORD, index_terms, is_latin, query_terms
from ragqa.types import Correction, Filters

MIN_LETTERS = 5
"""The fewest letters of a word or its correction: shorter ones are near too many others.

Only swapped letters are also corrected in words one letter shorter.
"""

TWO_EDITS_LETTERS = 9
"""Words with this many letters may be two edits away, shorter ones only one."""

MAX_UNKNOWN = 4
"""A question with more unknown words is not misspelt, but about something else."""

_MIN_TERM = 3
_MAX_ENDING = 8
"""The most letters that stemming removes from a word."""

_MAX_TERMS = 40
_PASSAGES_PER_TERM = 10
"""This many passages of each term are searched for the words with that stem."""

_CONTEXT_PASSAGES = 20
"""A word occurs with another one if any of this many best passages for both has both."""

_ROUNDING = 1e-6
_NO_FILTERS = Filters()
_EDGES = "?!.,;:()[]\u2026"
_QUOTED = re.compile(
    r"\"[^\"]*\"|`[^`]*`|\u201c[^\u201d]*\u201d|(?<!\w)['\u2018][^'\u2019]*['\u2019](?!\w)"
)
_INFLECTION = "(e?s|e?d|ings?|e?rs?|ly)"
_WRITTEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Spelling:
    """A question with its contractions and misspelt words corrected, and the corrections."""

    question: str
    corrected: tuple[Correction, ...] = ()


def correct_spelling(snapshot: Snapshot, embedder: Embedder, question: str) -> Spelling:
    """Correct the spelling of a question where that is safe."""
    question = with_apostrophes(question)
    unknown = _unknown(snapshot, question)
    if not 0 < len(unknown) <= MAX_UNKNOWN:
        return Spelling(question)
    found = {}
    for word in unknown:
        if _is_vocabulary(embedder, word):
            continue
        if nearest := _nearest(snapshot, word, _context(snapshot, question, word)):
            found[word] = nearest
    pieces, end = [], 0
    for start, word in _words(question):
        if word in found:
            pieces += [question[end:start], found[word]]
            end = start + len(word)
    corrected = tuple(Correction(word, nearest) for word, nearest in found.items())
    return Spelling("".join([*pieces, question[end:]]), corrected)


def with_apostrophes(question: str) -> str:
    """The question with missing apostrophes restored: "whats" becomes "what's"."""
    pieces, end = [], 0
    for start, word in _words(question, least=2):
        contracted = CONTRACTED.get(word.casefold())
        if contracted and len(contracted) == len(word) + 1:
            at = start + contracted.index("'")
            pieces += [question[end:at], "'"]
            end = at
    return "".join([*pieces, question[end:]])


def edit_distances(word: str, other: str) -> list[int]:
    """The edit distance of a word to each prefix of another one, the whole of it last.

    Edits are insertions, deletions, replacements, and swaps of neighbouring letters (optimal string
    alignment).
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


def _words(question: str, least: int = MIN_LETTERS - 1) -> Iterator[tuple[int, str]]:
    """The offset and text of each word that may be misspelt: no names, codes or quotations."""
    quoted = [found.span() for found in _QUOTED.finditer(question)]
    for token in re.finditer(r"\S+", question):
        text = token[0].strip(_EDGES)
        begins = token.start() + token[0].index(text)
        is_quoted = any(start < begins + len(text) and begins < end for start, end in quoted)
        if is_quoted or not _WRITTEN.fullmatch(text):
            continue
        for part in WORD.finditer(text):
            start, word = begins + part.start(), part[0]
            may_be_capital = start == 0
            rest = word[1:] if may_be_capital else word
            if len(word) >= least and rest == rest.lower() and is_latin(word):
                yield start, word


def _unknown(snapshot: Snapshot, question: str) -> list[str]:
    """The possibly misspelt words that no note has in any form."""
    words = {
        word: index_terms(word) for _, word in _words(question) if word.casefold() not in STOP_WORDS
    }
    known = _known(snapshot, [term for terms in words.values() for term in terms])
    return [word for word, terms in words.items() if terms and known.isdisjoint(terms)]


def _known(snapshot: Snapshot, terms: Sequence[str]) -> frozenset[str]:
    """The terms that some passage has."""
    in_none = inverse_frequency(snapshot.info.passages, 0) - _ROUNDING
    return frozenset(term for term, idf in snapshot.idf(terms).items() if idf < in_none)


def _context(snapshot: Snapshot, question: str, word: str) -> frozenset[str]:
    """The terms of the question's other words that the notes have."""
    others = set(query_terms(question)).difference(index_terms(word))
    return _known(snapshot, sorted(others))


def _nearest(snapshot: Snapshot, word: str, context: Collection[str]) -> str:
    """The most likely correction among the words of the notes, "" for none."""
    folded = _folded(word)
    edits = 2 if len(folded) >= TWO_EDITS_LETTERS else 1
    forms = _Forms(snapshot, folded, edits)
    for distance, rank, term in _similar_terms(snapshot, folded, edits)[:_MAX_TERMS]:
        if distance > forms.edits:
            break
        forms.collect(term, rank)
    for form in forms.nearest():
        if not context or _occurs_with(snapshot, index_terms(form), context):
            return forms.written(form)
    return ""


def _similar_terms(snapshot: Snapshot, word: str, edits: int) -> list[tuple[int, int, str]]:
    """The terms that may be the stem of a similar word, the nearest first.

    Each is (distance to a prefix of the word, rank by frequency, term). The first letter is taken
    to be right, or swapped with the second.
    """
    letters, found = frozenset(word), []
    shortest = max(_MIN_TERM, len(word) - _MAX_ENDING)
    for start in dict.fromkeys((word[0], word[1] + word[0])):
        for rank, term in enumerate(snapshot.terms_with_prefix(start)):
            fits = shortest <= len(term) <= len(word) + edits
            # A stem may end in "i" where its words have "y".
            prefix = term.removesuffix("i")
            if not fits or len(set(prefix) - letters) > edits:
                continue
            distance = min(edit_distances(prefix, word))
            if distance <= edits:
                found.append((distance, rank, term))
    return sorted(found)


class _Forms:
    """The words similar to a word in the passages collected so far.

    :ivar edits: the distance of the nearest word found, at first the most allowed.
    """

    def __init__(self, snapshot: Snapshot, word: str, edits: int) -> None:
        self.edits = edits
        self._snapshot = snapshot
        self._word = word
        self._starts = (word[0], word[1] + word[0])
        self._distances: dict[str, int] = {}
        self._ranks: dict[str, int] = {}
        self._spellings: dict[str, Counter[str]] = {}

    def collect(self, term: str, rank: int) -> None:
        """Collect the similar words of a term's best passages."""
        found = self._snapshot.terms([term], _PASSAGES_PER_TERM, _NO_FILTERS)
        for passage in self._snapshot.passages([id_ for id_, _ in found]):
            text = passage.searched_text
            for spelling, times in Counter(WORD.findall(text)).items():
                form = _folded(spelling)
                if form not in self._distances:
                    self._distances[form] = self._distance(form)
                if self._distances[form] <= self.edits:
                    self.edits = min(self.edits, self._distances[form])
                    self._ranks.setdefault(form, rank)
                    self._spellings.setdefault(form, Counter())[_spelling(spelling, text)] += times

    def nearest(self) -> list[str]:
        """The nearest words found, the most frequent first."""
        near = [form for form in self._ranks if self._distances[form] == self.edits]
        return sorted(near, key=lambda form: (self._ranks[form], form))

    def written(self, form: str) -> str:
        """The most frequent spelling of a word in the notes, in lower case if there is one."""
        spellings = self._spellings[form]
        lower = [spelling for spelling in spellings if spelling == spelling.lower()]
        return max(lower or spellings, key=lambda spelling: (spellings[spelling], spelling))

    def _distance(self, form: str) -> int:
        too_distant = len(self._word)
        too_short = max(len(form), too_distant) < MIN_LETTERS and sorted(form) != sorted(self._word)
        too_far = abs(len(form) - too_distant) > self.edits
        if too_short or too_far or not form.startswith(self._starts) or not form.isalpha():
            return too_distant
        distance = edit_distances(self._word, form)[-1]
        return distance if _is_slip(self._word, form) else too_distant


def _spelling(word: str, text: str) -> str:
    """A word as written within a sentence, or else in lower case."""
    within = re.search(rf"[a-z,] {re.escape(word)}\b", text)
    return word if within else word.lower()


def _is_slip(word: str, other: str) -> bool:
    """Whether a word is likely another one misspelt, rather than the same with another ending."""
    ends_otherwise = word[:-1] == other[:-1]
    ends_longer = word[:-1] == other and word[-1] != word[-2]
    return not ends_otherwise and not ends_longer


def _occurs_with(snapshot: Snapshot, terms: Sequence[str], context: Collection[str]) -> bool:
    """Whether a passage has all of these terms, and one of the context."""
    found = snapshot.terms([*terms, *terms, *terms, *context], _CONTEXT_PASSAGES, _NO_FILTERS)
    passages = snapshot.passages([id_ for id_, _ in found])
    passage_terms = (frozenset(index_terms(passage.searched_text)) for passage in passages)
    return any(one.issuperset(terms) and not one.isdisjoint(context) for one in passage_terms)


def _is_vocabulary(embedder: Embedder, word: str) -> bool:
    """Whether a word or its base form is one token to the embedder, which so knows it.

    An embedder with one token for any string knows no words.
    """
    word = word.casefold()
    forms = [word]
    for stem in index_terms(word):
        if re.fullmatch(rf"{stem}{stem[-1]}?{_INFLECTION}", word):
            forms += [stem, f"{stem}e"]
    letters = f"{word}{word[::-1]}"
    empty, nonword, *known = embedder.count_tokens(["", letters, *forms])
    return nonword > empty + 1 and min(known) <= empty + 1


def _folded(word: str) -> str:
    """A word in lower case without accents."""
    lower = word.casefold()
    if lower.isascii():
        return lower
    letters = unicodedata.normalize("NFKD", lower)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
