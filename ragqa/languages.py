"""The languages whose words ragqa knows; `languages.json` has which.

Stemmers and most stop words are those of Snowball (https://snowballstem.org), in tantivy.
"""

from pathlib import Path

from msgspec import Struct
from msgspec.json import decode

AUTO = "auto"
"""The setting under which each note's language is told from its text."""

ENGLISH = "en"
OTHER = ""
"""Any language that ragqa knows nothing of: its words are compared as they are."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
KANA = "\u3040-\u30ff"
HANGUL = "\uac00-\ud7af"
"""Ranges of characters."""


class Language(Struct, frozen=True):
    """How the words of a language are analysed.

    :param stemmers: tantivy's names, in the order of use; a language of another script than Latin
        takes the English one for the English words among its own.
    :param has_stops: whether tantivy has stop words under the last of these names.
    :param stops: more stop words, above all those that only ask.
    :param negations: words that are none, although tantivy has them among its stop words.
    :param letters: a character class of its letters, if they are not Latin ones.
    :param elides: whether a word may hang on the next by an apostrophe ("l'index").
    :param compounds: whether words are joined without a space ("Festplatte").
    """

    name: str
    stemmers: tuple[str, ...] = ()
    has_stops: bool = False
    stops: str = ""
    negations: str = ""
    letters: str = ""
    elides: bool = False
    compounds: bool = False


LANGUAGES = decode(
    (Path(__file__).parent / "languages.json").read_bytes(), type=dict[str, Language]
)
"""The languages told apart, by ISO 639-1 code."""
