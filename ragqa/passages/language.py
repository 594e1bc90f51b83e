"""The language of a note, and of a long passage in another, told by py3langid unless plain."""

import lzma
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import islice
from typing import Any

import numpy as np

from ragqa.languages import AUTO, ENGLISH, HAN, HANGUL, KANA, LANGUAGES, OTHER
from ragqa.text.words import STOP_WORDS, compiled, tokenize
from ragqa.types import Kind, Note, Passage, Pieces

_PROSE = frozenset({Kind.PARAGRAPH, Kind.ITEM, Kind.HEADING, Kind.ROW, Kind.PROPERTY})
_KEY = "lang"
_NO_PROSE = (
    r"`[^`\n]*`|\]\([^)\n]*\)|https?://\S+|<[^>\n]*>|"
    # From the start of a word only, lest one of a thousand letters is tried from each of them.
    r"(?<![\w.+-])(?:[^\W_]|[.+-])*+[@/\\_=]\S*"
)
_CODE_LETTERS = 2
_SAME = {"nb": "no", "nn": "no"}
_LATIN = "a-zA-Z\u00c0-\u024f\u1e00-\u1eff"
_LATIN_WORD = f"[{_LATIN}]{{2,}}"
_READ_CHARS = 1_000
"""How much of a text is read; more changes nothing."""

_ENOUGH_PIECES = 20_000
_COUNTED_OF_NOTE = 3
_MIN_NOTE_LETTERS = 8
_MIN_PASSAGE_LETTERS = 200
_SURE = 0.6
_SURE_OF_PASSAGE = 0.95
_PLAIN_ENGLISH = 0.25
"""A text with this share of English stop words is English: others have a tenth at most."""


def with_language(note: Note, setting: str) -> Note:
    """A note with its language: the setting's, what its front matter says, or the likely one."""
    language = _declared_language(note) if setting == AUTO else setting
    if language is None:
        language = _likely_language(_prose(note), _MIN_NOTE_LETTERS, _SURE)
    return replace(note, language=ENGLISH if language is None else language)


def with_own_languages(passages: Iterable[Passage], note: Note, setting: str) -> Iterator[Passage]:
    """A note's passages, each in its own language if it is long and surely in another."""
    if setting != AUTO or _declared_language(note) is not None:
        yield from passages
        return
    for passage in passages:
        language = _likely_language(_cleaned(passage.text), _MIN_PASSAGE_LETTERS, _SURE_OF_PASSAGE)
        yield passage if language is None else replace(passage, language=language)


def add_pieces(
    totals: dict[str, Pieces],
    passages: Sequence[Passage],
    pieces: Callable[[Sequence[str]], Pieces],
) -> None:
    """Add the word pieces of each note's first passages to its language, until there are enough."""
    counted = Counter[str]()
    for passage in passages:
        counted[passage.path] += 1
        if counted[passage.path] > _COUNTED_OF_NOTE:
            continue
        total = totals.get(passage.language, Pieces())
        enough = total.number >= _ENOUGH_PIECES
        totals[passage.language] = total if enough else total + pieces([passage.text])


def _declared_language(note: Note) -> str | None:
    """The language that a note's properties give as `de` or `de-AT`, if any."""
    values = (value for key, value in note.properties if key.casefold() == _KEY)
    primary = re.split("[-_]", next(values, "").strip().casefold())[0]
    primary = _SAME.get(primary, primary)
    if primary and primary in LANGUAGES:
        return primary
    return OTHER if len(primary) == _CODE_LETTERS else None  # else it may be one of programs


def _likely_language(text: str, least: int, sure: float) -> str | None:
    """The language of a text of `least` letters, told with the probability `sure`; or None."""
    # A character of Chinese, say, counts as four.
    letters = (4 if letter > "\u2fff" else 1 for letter in text if letter.isalpha())
    if sum(islice(letters, least)) < least:
        return None
    language = _by_script(text)
    if language is not None:
        return language
    # "a" is a word of many languages, and one such as "on" may be of another.
    words = [word for word in tokenize(text) if len(word) > 1]
    if sum(word in STOP_WORDS for word in words) >= max(2, _PLAIN_ENGLISH * len(words)):
        return ENGLISH
    code, probability = _identifier().classify(text)
    return str(code) if probability >= sure else None


def _by_script(text: str) -> str | None:
    """The language of a text mostly in characters of few languages; None if they do not tell it."""
    if text.isascii():
        return None

    def count(characters: str) -> int:
        return len(compiled(f"[{characters}]").findall(text))

    kana, han, hangul = map(count, (KANA, HAN, HANGUL))
    characters = kana + han + hangul
    # A word of them has about two characters.
    if characters and characters >= 2 * len(compiled(_LATIN_WORD).findall(text)):
        if 2 * hangul > characters:
            return "ko"
        return "ja" if 10 * kana > characters else "zh"
    letters = filter(None, (language.letters for language in LANGUAGES.values()))
    others = sum(len(compiled(pattern).findall(text)) for pattern in letters)
    known = count(_LATIN) + characters + others
    return OTHER if 2 * known < sum(map(str.isalpha, text)) else None


def _prose(note: Note) -> str:
    """The beginning of a note's prose, without code, addresses and markup."""
    pieces, size = [note.title], 0
    for block in note.blocks:
        if block.kind in _PROSE and size < _READ_CHARS:
            pieces.append(_cleaned(note.text[block.start : block.end]))
            size += len(pieces[-1])
    return "\n".join(pieces)[:_READ_CHARS]


def _cleaned(text: str) -> str:
    return compiled(_NO_PROSE).sub(" ", text[: 2 * _READ_CHARS])[:_READ_CHARS]


@cache
def _identifier() -> Any:  # noqa: ANN401 - py3langid has no types
    """The model, read in memory: py3langid's own loader writes 50 MB to a temporary file."""
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    with lzma.open(MODEL_DIR / MODEL_FILE) as packed:
        arrays = np.load(BytesIO(packed.read()), allow_pickle=False)
    identifier = LanguageIdentifier(
        arrays["ptc"],
        arrays["pc"],
        arrays["classes"].tolist(),
        # This takes a fifth of a list's memory, and is read faster than numpy's array.
        array(arrays["nextmove"].dtype.char, arrays["nextmove"].tobytes()),
        arrays["out_feat"].tolist(),
        norm_probs=True,
        tk_row=arrays["nextmove_row"].tolist(),
    )
    identifier.set_languages([code for code in LANGUAGES if code != OTHER])
    return identifier
