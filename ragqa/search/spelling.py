"""Correct the words of a question that no note has to the nearest word of the notes.

Only likely typing errors are corrected, and only to a word that shares a passage with another word
of the question. docs/decisions/search.md measures each rule.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from string import ascii_lowercase

from ragqa.embedders import Embedder
from ragqa.languages import ENGLISH
from ragqa.stores import Snapshot
from ragqa.stores.ranking import inverse_frequency
from ragqa.text.lexicon import CONTRACTED
from ragqa.text.words import (
    WORD,
    compiled,
    index_terms,
    is_latin,
    is_stop_word,
    overlaps,
    query_terms,
)
from ragqa.types import Correction, Filters, Passage

MIN_LETTERS = 5
"""The fewest letters of a word or its correction: shorter ones are near too many others.

Only swapped letters are also corrected in words one letter shorter.
"""

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
"""This many passages of each term are searched for the words with that stem."""

_CONTEXT_PASSAGES = 20
"""A word occurs with another one if any of this many best passages for both has both."""

_ROUNDING = 1e-6

_EDGES = "?!.,;:()[]\u2026"
_QUOTED = r"\"[^\"]*\"|`[^`]*`|\u201c[^\u201d]*\u201d|(?<!\w)['\u2018][^'\u2019]*['\u2019](?!\w)"
_INFLECTION = "(e?s|e?d|ings?|e?rs?|ly)"


def correct_spelling(
    snapshot: Snapshot, embedder: Embedder, question: str, languages: Sequence[str]
) -> tuple[str, tuple[Correction, ...]]:
    """The question with contractions and misspelt words corrected where that is safe.

    :param languages: those of the notes, the question's own first.
    :returns: the question, and the corrections of its words.
    """
    question = with_apostrophes(question) if languages[0] == ENGLISH else question
    unknown = _unknown(snapshot, question, languages)
    if not 0 < len(unknown) <= MAX_UNKNOWN:
        return question, ()
    replacements = {}
    for word in unknown:
        if _is_vocabulary(embedder, word):
            continue
        others = set(query_terms(question, languages)).difference(_forms(word, languages))
        if nearest := _nearest(snapshot, word, known_terms(snapshot, sorted(others))):
            replacements[word] = nearest
    corrected = tuple(Correction(word, nearest) for word, nearest in replacements.items())
    return _replaced(question, lambda word: replacements.get(word, word)), corrected


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
    edits = (
        0 if len(term) < MIN_LETTERS or not term.isalpha() else 1 + (len(term) > TWO_EDITS_LETTERS)
    )
    starts = {term[:1], term[1:2] + term[:1]}
    near = [other for start in starts for other in snapshot.terms_with_prefix(start)]
    halves = [(term[:at], term[at:]) for at in range(2, len(term) - 1)]
    known = known_terms(snapshot, [half for each in halves for half in each])
    if any(known.issuperset(each) for each in halves):
        return False
    is_like = any(
        other.startswith(term) or (edits and _edits(other, term) <= edits) for other in near
    )
    if is_like or not (near or snapshot.terms_with_prefix("")):
        return False
    every = (other for start in ascii_lowercase for other in snapshot.terms_with_prefix(start))
    return len(term) < _MIN_PART or not any(term in other for other in every)


def idf_in(snapshot: Snapshot, passages: int) -> float:
    """The inverse document frequency of a term that so many passages have, less any rounding."""
    return inverse_frequency(snapshot.info.passages, passages) - _ROUNDING


def with_apostrophes(question: str) -> str:
    """The question with missing apostrophes restored: "whats" becomes "what's"."""

    def restored(word: str) -> str:
        contracted = CONTRACTED.get(word.casefold(), "")
        at = contracted.find("'")
        return f"{word[:at]}'{word[at:]}" if len(contracted) == len(word) + 1 else word

    return _replaced(question, restored, least=2)


def _replaced(question: str, replace: Callable[[str], str], least: int = MIN_LETTERS - 1) -> str:
    """The question with each word that may be misspelt replaced."""
    pieces, end = [], 0
    for start, word in _words(question, least):
        pieces += [question[end:start], replace(word)]
        end = start + len(word)
    return "".join([*pieces, question[end:]])


def _words(question: str, least: int = MIN_LETTERS - 1) -> Iterator[tuple[int, str]]:
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
            if len(word) >= least and rest == rest.lower() and is_latin(word):
                yield start, word


def _unknown(snapshot: Snapshot, question: str, languages: Sequence[str]) -> list[str]:
    """The possibly misspelt words that no note has in any form."""
    words = {
        word: _forms(word, languages)
        for _, word in _words(question)
        if not is_stop_word(word, languages[0])
    }
    known = known_terms(snapshot, [term for terms in words.values() for term in terms])
    return [word for word, terms in words.items() if terms and known.isdisjoint(terms)]


def _forms(word: str, languages: Sequence[str]) -> list[str]:
    """The terms of a word in each of the languages."""
    return [term for language in languages for term in index_terms(word, language)]


def _nearest(snapshot: Snapshot, word: str, context: Collection[str]) -> str:
    """The most likely correction among the words of the notes, "" for none.

    It is the most frequent of the nearest words that occur with a term of the context.

    :param context: the terms of the question's other words that the notes have.
    """
    word = _folded(word)
    edits = 2 if len(word) >= TWO_EDITS_LETTERS else 1
    distances: dict[str, int] = {}
    ranks: dict[str, int] = {}
    spellings: dict[str, Counter[str]] = {}
    for distance, rank, term in _similar_terms(snapshot, word, edits)[:_MAX_TERMS]:
        if distance > edits:
            break
        for passage in best_by_terms(snapshot, [term], _PASSAGES_PER_TERM):
            text = passage.searched_text
            for spelling, times in Counter(WORD.findall(text)).items():
                form = _folded(spelling)
                if form not in distances:
                    distances[form] = _slips(word, form, edits)
                if distances[form] <= edits:
                    edits = distances[form]
                    ranks.setdefault(form, rank)
                    spellings.setdefault(form, Counter())[_as_within(spelling, text)] += times
    near = [form for form in ranks if distances[form] == edits]
    for form in sorted(near, key=lambda form: (ranks[form], form)):
        if not context or _occurs_with(snapshot, form, context):
            counts = spellings[form]
            lower = [spelling for spelling in counts if spelling == spelling.lower()]
            return max(lower or counts, key=lambda spelling: (counts[spelling], spelling))
    return ""


def _similar_terms(snapshot: Snapshot, word: str, edits: int) -> list[tuple[int, int, str]]:
    """The terms that may be the stem of a similar word, the nearest first.

    Each is (distance to a prefix of the word, rank by frequency, term). The first letter is taken
    to be right, or swapped with the second.
    """
    letters, similar = frozenset(word), []
    shortest = max(_MIN_TERM, len(word) - _MAX_ENDING)
    for start in dict.fromkeys((word[0], word[1] + word[0])):
        for rank, term in enumerate(snapshot.terms_with_prefix(start)):
            fits = shortest <= len(term) <= len(word) + edits
            # A stem may end in "i" where its words have "y".
            prefix = term.removesuffix("i")
            if not fits or len(set(prefix) - letters) > edits:
                continue
            ends = range(max(0, len(prefix) - edits), min(len(word), len(prefix) + edits) + 1)
            distance = min(_edits(prefix, word[:end]) for end in ends)
            if distance <= edits:
                similar.append((distance, rank, term))
    return sorted(similar)


def _edits(word: str, other: str) -> int:
    """The letters to insert, delete, replace or swap with the next (optimal string alignment)."""
    from rapidfuzz.distance import OSA  # seldom needed

    return OSA.distance(word, other)


def _slips(word: str, form: str, edits: int) -> int:
    """The edit distance of two words; above `edits` if one is not likely the other misspelt."""
    too_short = max(len(form), len(word)) < MIN_LETTERS and sorted(form) != sorted(word)
    too_far = abs(len(form) - len(word)) > edits
    starts = (word[0], word[1] + word[0])
    if too_short or too_far or not form.startswith(starts) or not form.isalpha():
        return edits + 1
    # The same with another ending is rather another word.
    ends_otherwise = word[:-1] == form[:-1]
    ends_longer = word[:-1] == form and word[-1] != word[-2]
    return edits + 1 if ends_otherwise or ends_longer else _edits(word, form)


def _as_within(word: str, text: str) -> str:
    """A word as written within a sentence, or else in lower case."""
    within = re.search(rf"[a-z,] {re.escape(word)}\b", text)
    return word if within else word.lower()


def _occurs_with(snapshot: Snapshot, word: str, context: Collection[str]) -> bool:
    """Whether a passage has this word, and a term of the context."""
    terms = list(dict.fromkeys(_forms(word, list(snapshot.info.languages) or [ENGLISH])))
    for passage in best_by_terms(snapshot, [*terms, *terms, *terms, *context], _CONTEXT_PASSAGES):
        passage_terms = frozenset(index_terms(passage.searched_text, passage.language))
        if passage_terms.issuperset(
            index_terms(word, passage.language)
        ) and not passage_terms.isdisjoint(context):
            return True
    return False


def best_by_terms(
    snapshot: Snapshot, terms: Sequence[str], most: int, filters: Filters | None = None
) -> list[Passage]:
    """The best passages for some terms."""
    scored = snapshot.terms(terms, most, filters or Filters())
    return snapshot.passages([id_ for id_, _ in scored])


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
