"""Split text into terms, in the same way for indexing, searching and scoring.

A term is a case-folded, accent-folded, stemmed word. Scripts written without spaces between words
become characters and pairs of characters, as in Lucene's CJK analyser.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

import tantivy

from ragqa.types import FILL, Span

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
_SPACED_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_TOKEN = (
    rf"(?P<run>[{UNSPACED}]+)|(?P<word>(?:(?![{UNSPACED}])[^\W_])+"
    rf"(?:'(?:(?![{UNSPACED}])[^\W_])+)*)"
)

_STOP_WORDS = """
    a about above after again against all am an and any are aren't as at be because been
    before being below between both but by can can't could couldn't did didn't do does
    doesn't doing don't down during each few for from further had hadn't has hasn't have
    haven't having he her here hers herself him himself his how how's i i'd i'll i'm i've
    if in into is isn't it it's its itself just let's me might more most my myself of off
    on once only or other our ours ourselves out over own please same shall she should
    shouldn't so some such tell than that that's the their theirs them themselves then
    there there's these they they're this those through to too under until up us very was
    wasn't we we're were weren't what what's when where which while who who's whom whose
    why will with won't would wouldn't you your yours yourself yourselves
"""
_WITH_APOSTROPHE = {word for word in word_set(_STOP_WORDS) if "'" in word}
# Without their apostrophes these are other words.
_OTHER_WORDS = {"i'd", "i'll", "it's", "let's", "we're"}
CONTRACTED = {word.replace("'", ""): word for word in sorted(_WITH_APOSTROPHE - _OTHER_WORDS)}
"""Maps a contraction typed without its apostrophe ("whats") to the correct one."""

STOP_WORDS = frozenset((*_STOP_WORDS.split(), *CONTRACTED))


# The same for scripts without spaces, where stop words are not separate tokens.
_UNSPACED_STOPS = (
    "什么是|是什么|为什么|什么|怎么样|怎么|怎样|如何|哪些|哪个|哪里|多少|请问|[的了吗呢是和与]"
    "|とは|何ですか|ですか|ください"
)


def tokenize(text: str, *, pairs_only: bool = False) -> list[str]:
    """Split text into case-folded tokens, in reading order, before stemming.

    :param pairs_only: split unspaced script into pairs of characters only, as for a query; the
        index also has the single characters. A single character stays as it is.
    """
    folded = unicodedata.normalize("NFKC", text.replace(FILL, "")).casefold().replace("\u2019", "'")
    if folded.isascii() or not compiled(_UNSPACED_CHARACTER).search(folded):
        # A fast path with the same result.
        return [word for word in _SPACED_TOKEN.findall(folded) if len(word) <= MAX_TERM_CHARS]
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


def unspaced_count(text: str) -> int:
    """The number of characters of a script without spaces."""
    return 0 if text.isascii() else len(compiled(_UNSPACED_CHARACTER).findall(text))


def index_terms(text: str) -> list[str]:
    """The terms of a passage, in order, with repetitions."""
    return _stem(tokenize(text))


def query_terms(text: str) -> list[str]:
    """The terms to search for, in order, with repetitions.

    Stop words are dropped unless there is nothing else.
    """
    others = text if text.isascii() else compiled(_UNSPACED_STOPS).sub(" ", text)
    tokens = tokenize(others, pairs_only=True) or tokenize(text, pairs_only=True)
    content = [token for token in tokens if token not in STOP_WORDS] or tokens
    return _stem(content)


def is_latin(text: str) -> bool:
    """Whether at least half of the tokens are numbers or in Latin script.

    Tokens are counted, not letters: an English word has as many letters as several Chinese words.
    """
    tokens = tokenize(text, pairs_only=True)
    return 2 * sum(map(_is_latin_token, tokens)) >= len(tokens)


def _is_latin_token(token: str) -> bool:
    first = token[0]
    return first < "\u0250" or unicodedata.name(first, "").startswith("LATIN")


def _stem(tokens: list[str]) -> list[str]:
    return _analyzer().analyze(" ".join(tokens)) if tokens else []


@cache
def _analyzer() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return (
        builder.filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )
