"""Split text into terms, in the same way for indexing, searching and scoring; English words.

A term is a word folded and stemmed; scripts without spaces become characters and pairs of them. The
tables of English words with a meaning of their own are in `english.txt`.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from operator import attrgetter
from pathlib import Path

import tantivy
from msgspec import Struct

from ragqa.languages import ENGLISH, LANGUAGES
from ragqa.types import Span


@cache
def _tables() -> Mapping[str, Sequence[str]]:
    """The lines of each table by its name."""
    text = Path(__file__).with_name("english.txt").read_text("utf-8")
    tables: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            tables[line.strip("[]")] = lines = []
        elif line and not line.startswith("#"):
            lines.append(line)
    return tables


def rows(name: str) -> Sequence[str]:
    """The lines of a table."""
    return _tables()[name]


def listed(name: str) -> list[str]:
    """The words of a table, in order."""
    return " ".join(rows(name)).split()


@cache
def table(name: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(listed(name))


def one_of(name: str) -> str:
    """A pattern for any word of a table, without a group around it."""
    return "|".join(listed(name))


STOP_WORDS = table("stop words").union(
    word.replace("'", "") for word in table("stop words") - table("other words")
)
"""English words without content, also as they are typed without an apostrophe ("whats")."""

MONTHS = listed("months")
WEEKDAYS = listed("weekdays")
ONES = listed("ones")
TENS = listed("tens")
"""Number words, the first for 0 and for 20."""

SCALES = {word: int(power) for word, power in map(str.split, rows("scales"))}
"""Maps a word after a number to its power of ten."""

UNITS = {
    name: (dimension, Decimal(size))
    for dimension, *words in map(str.split, rows("units"))
    for name, size in zip(words[::2], words[1::2], strict=True)
}
"""Maps a unit to its dimension, and its size in base units."""

MAX_TERM_CHARS = 64


@cache
def compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    """Compile a pattern on first use, since compiling all of them would slow every start."""
    return re.compile(pattern)


def word_set(listed: str) -> frozenset[str]:
    """The words of a list separated by white space."""
    return frozenset(listed.split())


WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
"""A word as a reader sees it, where its offset in the text matters."""

# Scripts without spaces between words (Thai, Lao, Myanmar, Khmer, kana, Han), and Hangul, whose
# particles are attached to the word.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
)
"""Character ranges for a class in a regular expression."""

_UNSPACED_CHARACTER = f"[{UNSPACED}]"
_TOKEN = (
    rf"(?P<run>[{UNSPACED}]+)|(?P<word>(?:(?![{UNSPACED}])[^\W_])+"
    rf"(?:'(?:(?![{UNSPACED}])[^\W_])+)*)"
)

# Stop words of scripts without spaces, where they are not separate tokens.
_UNSPACED_STOPS = (
    "什么是|是什么|为什么|什么|怎么样|怎么|怎样|如何|哪些|哪个|哪里|多少|请问|[的了吗呢是和与]"
    "|とは|何ですか|ですか|ください"
)
# In Japanese, short runs of hiragana are particles and endings; content is mostly in other scripts.
_SHORT_HIRAGANA = "(?<![\u3041-\u309f])[\u3041-\u309f]{1,2}(?![\u3041-\u309f])"
_HIRAGANA = "[\u3041-\u309f]+"


def tokenize(text: str, *, pairs_only: bool = False) -> list[str]:
    """Split text into case-folded tokens, in reading order, before stemming.

    :param pairs_only: split unspaced script into pairs of characters only, as for a query; the
        index also has the single characters. A single character stays as it is.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    # A Turkish capital i keeps its dot, as a letter of its own that is part of no word.
    folded = folded.replace("\u2019", "'").replace("i\u0307", "i")
    if folded.isascii() or not compiled(_UNSPACED_CHARACTER).search(folded):
        # A fast path with the same result.
        return [word for word in WORD.findall(folded) if len(word) <= MAX_TERM_CHARS]
    tokens: list[str] = []
    for match in compiled(_TOKEN).finditer(folded):
        run = match["run"]
        if run is None:
            if len(match["word"]) <= MAX_TERM_CHARS:
                tokens.append(match["word"])
            continue
        if not pairs_only or len(run) == 1:
            tokens.extend(run)
        tokens.extend(run[i : i + 2] for i in range(len(run) - 1))
    return tokens


def overlaps(span: Span, others: Iterable[Span]) -> bool:
    """Whether a span has a character of one of the others."""
    return any(start < span[1] and span[0] < end for start, end in others)


def blank(text: str, spans: Iterable[Span]) -> str:
    """The text with some spans blanked, so that the other offsets stay the same."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = " " * (end - start)
    return "".join(characters)


def joined(text: str, spans: Iterable[Span], joins: Collection[str]) -> list[Span]:
    """The spans, neighbours with one of these texts between them as one."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and text[merged[-1][1] : start] in joins:
            merged[-1] = merged[-1][0], end
        else:
            merged.append((start, end))
    return merged


def unspaced_count(text: str) -> int:
    """The number of characters of a script without spaces."""
    return 0 if text.isascii() else len(compiled(_UNSPACED_CHARACTER).findall(text))


def index_terms(text: str, language: str = ENGLISH) -> list[str]:
    """The terms of a text in a language, in order, with repetitions."""
    return list(_stemmed(tokenize(_unelided(text, language)), language))


def query_terms(text: str, languages: Sequence[str] = (ENGLISH,)) -> list[str]:
    """The terms to search for, in order, with repetitions, in all of the languages."""
    return [term for terms in query_forms(text, languages) for term in terms]


def query_forms(text: str, languages: Sequence[str]) -> list[list[str]]:
    """The terms of each word of a question in these languages, without the first's stop words."""
    asked, stripped = languages[0], text
    if not text.isascii():  # without the words that only ask, and particles, of unspaced scripts
        stripped = compiled(_UNSPACED_STOPS).sub(" ", text)
        stripped = compiled(_SHORT_HIRAGANA).sub(" ", stripped)
        stripped = compiled(_HIRAGANA).sub(r" \g<0> ", stripped)
    tokens = tokenize(_unelided(stripped, asked), pairs_only=True)
    tokens = tokens or tokenize(_unelided(text, asked), pairs_only=True)
    content = _without_stops(tokens, asked) or tokens
    forms = zip(*(_stemmed(content, language) for language in languages), strict=True)
    return [list(dict.fromkeys(terms)) for terms in forms]


@lru_cache(maxsize=65_536)
def stem(word: str, language: str = ENGLISH) -> str:
    """The index term of a word."""
    return next(iter(index_terms(word, language)[-1:]), "")


@cache
def stems(name: str) -> frozenset[str]:
    """The stems of a table of words."""
    return frozenset(index_terms(" ".join(rows(name))))


@cache
def synonyms() -> Mapping[str, str]:
    """Maps a stem to that of the first of its synonyms."""
    lines = map(str.split, rows("synonyms"))
    return {stem(word): stem(first) for first, *others in lines for word in (first, *others)}


def canonical(word: str) -> str:
    """The stem of the first of a word's synonyms, or its own."""
    term = stem(word)
    return synonyms().get(term, term)


class Word(Struct, frozen=True):
    """A lower-case word of a text; `stem` is the term of its first synonym, "" for a stop word."""

    text: str
    term: str
    stem: str
    start: int
    end: int

    @property
    def negates(self) -> bool:
        """Whether it negates a sentence."""
        return self.text in table("negators") or self.text.endswith("n't")


@lru_cache(maxsize=1024)
def words_of(text: str, language: str = ENGLISH) -> tuple[Word, ...]:
    """The words of a text; synonyms are known in English only."""
    return tuple(Word(*_forms(match[0], language), *match.span()) for match in WORD.finditer(text))


@lru_cache(maxsize=65_536)
def _forms(word: str, language: str) -> tuple[str, str, str]:
    lower, term = word.casefold().replace("\u2019", "'"), stem(word, language)
    is_stop = lower in STOP_WORDS if language == ENGLISH else is_stop_word(word, language)
    synonym = synonyms().get(term, term) if language == ENGLISH else term
    return lower, term, "" if is_stop else synonym


def words_in(text: str, span: Span) -> tuple[Word, ...]:
    """The words of an English text that begin in a span."""
    words = words_of(text)
    first, end = (bisect_left(words, at, key=attrgetter("start")) for at in span)
    return words[first:end]


def strange_words(question: str, language: str) -> int:
    """How many words of a question are neither stop words of a language nor in its own letters."""
    tokens = _without_stops(tokenize(_unelided(question, language), pairs_only=True), language)
    own = LANGUAGES[language].letters
    return sum(not (own and re.search(own, token)) for token in tokens)


def is_stop_word(word: str, language: str) -> bool:
    """Whether a word has no content of its own."""
    tokens = tokenize(_unelided(word, language))
    return bool(tokens) and not _without_stops(tokens, language)


@lru_cache(maxsize=4096)
def is_stop_word_anywhere(word: str) -> bool:
    """Whether a word has no content of its own in one of the languages."""
    return any(is_stop_word(word, language) for language in LANGUAGES)


def _without_stops(tokens: Sequence[str], language: str) -> Sequence[str]:
    if language == ENGLISH:
        return [token for token in tokens if token not in STOP_WORDS]
    negations = LANGUAGES[language].negations.split()
    has_content = _stopper(language)
    return [token for token in tokens if token in negations or has_content(token)]


def _unelided(text: str, language: str) -> str:
    """The text with articles that hang on a word by an apostrophe as words of their own."""
    return re.sub("['\u2019]", " ", text) if LANGUAGES[language].elides else text


def is_latin(text: str) -> bool:
    """Whether at least half of the tokens, not of the letters, are numbers or in Latin script."""
    firsts = [token[0] for token in tokenize(text, pairs_only=True)]
    latin = [c for c in firsts if c < "\u0250" or unicodedata.name(c, "").startswith("LATIN")]
    return 2 * len(latin) >= len(firsts)


def _stemmed(tokens: Sequence[str], language: str) -> Sequence[str]:
    return _stemmer(language)(" ".join(tokens)) if tokens else []


@cache
def _stemmer(code: str) -> Callable[[str], Sequence[str]]:
    """A function that stems the words of a language, separated by spaces, and folds accents."""
    fold = tantivy.Filter.ascii_fold()
    stems = [tantivy.Filter.stemmer(name) for name in LANGUAGES[code].stemmers]
    # Only the English stemmer wants words without accents; the others know their own.
    in_order = [fold, *stems] if LANGUAGES[code].stemmers[:1] == ("english",) else [*stems, fold]
    return _analyzer(*in_order)


@cache
def _stopper(code: str) -> Callable[[str], Sequence[str]]:
    """A function that drops the stop words of a language from words separated by spaces."""
    language = LANGUAGES[code]
    own = tantivy.Filter.custom_stopword(language.stops.split())
    if not language.has_stops:
        return _analyzer(own)
    return _analyzer(own, tantivy.Filter.stopword(language.stemmers[-1]))


def _analyzer(*filters: tantivy.Filter) -> Callable[[str], Sequence[str]]:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    for added in filters:
        builder = builder.filter(added)
    return builder.build().analyze
