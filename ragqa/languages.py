"""The languages whose words ragqa knows: their stemmers, and the words that carry no content.

Stemmers and most stop words are those of Snowball (https://snowballstem.org), in tantivy.
"""

from collections.abc import Mapping

from msgspec import Struct

AUTO = "auto"
"""The setting under which each note's language is told from its text."""

ENGLISH = "en"
OTHER = ""
"""Any language that ragqa knows nothing of: its words are compared as they are."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
KANA = "\u3040-\u30ff"
HANGUL = "\uac00-\ud7af"
"""Ranges of characters."""

_CYRILLIC = "[\u0400-\u04ff]"


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


LANGUAGES: Mapping[str, Language] = {
    ENGLISH: Language("English", ("english",)),
    "de": Language(
        "German",
        ("german",),
        has_stops=True,
        compounds=True,
        stops="wann warum wer wohin woher wieviel wieviele wozu weshalb wieso worin womit wodurch "
        "wofür bitte gibt",
        negations="ohne nicht nichts kein keine keinen keinem keiner keines",
    ),
    "fr": Language(
        "French",
        ("french",),
        has_stops=True,
        elides=True,
        stops="quand comment pourquoi où combien quel quelle quels quelles lequel laquelle quoi "
        "est a son ont fait faut peut",
        negations="sans ne pas ni",
    ),
    "es": Language(
        "Spanish",
        ("spanish",),
        has_stops=True,
        stops="cuándo cómo dónde cuál cuáles cuánto cuánta cuántos cuántas quién quiénes cuando "
        "como donde cual cuales cuanto cuanta cuantos cuantas sirve",
        negations="sin no ni nada",
    ),
    "it": Language(
        "Italian",
        ("italian",),
        has_stops=True,
        elides=True,
        stops="quando perché perche cosa quanto quanta quanti quante quale quali serve bisogna",
        negations="non senza",
    ),
    "pt": Language(
        "Portuguese",
        ("portuguese",),
        has_stops=True,
        stops="quando onde porque porquê quanto quanta quantos quantas qual quais quem serve",
        negations="não sem nem",
    ),
    "nl": Language(
        "Dutch",
        ("dutch",),
        has_stops=True,
        compounds=True,
        stops="wanneer waarom wie welke hoe hoeveel waar waarvoor",
        negations="niet geen niets zonder",
    ),
    "da": Language(
        "Danish",
        ("danish",),
        has_stops=True,
        compounds=True,
        stops="hvornår hvorfor",
        negations="ikke uden",
    ),
    "no": Language(
        "Norwegian",
        ("norwegian",),
        has_stops=True,
        compounds=True,
        stops="hvorfor",
        negations="ikke uten ikkje utan",
    ),
    "sv": Language(
        "Swedish",
        ("swedish",),
        has_stops=True,
        compounds=True,
        stops="varför hur",
        negations="inte utan ej",
    ),
    "fi": Language(
        "Finnish",
        ("finnish",),
        has_stops=True,
        compounds=True,
        stops="miksi milloin",
        negations="ei eivät älä ilman",
    ),
    "hu": Language(
        "Hungarian",
        ("hungarian",),
        has_stops=True,
        stops="miért mikor hogyan hol",
        negations="nem ne sem nélkül",
    ),
    "ro": Language("Romanian", ("romanian",)),
    "tr": Language("Turkish", ("turkish",)),
    "ru": Language(
        "Russian",
        ("english", "russian"),
        has_stops=True,
        letters=_CYRILLIC,
        stops="когда почему зачем где куда сколько какой какая какие",
        negations="не без нет ни",
    ),
    "el": Language("Greek", ("english", "greek"), letters="[\u0370-\u03ff\u1f00-\u1fff]"),
    "ar": Language("Arabic", ("english", "arabic"), letters="[\u0600-\u06ff]"),
    "ta": Language("Tamil", ("english", "tamil"), letters="[\u0b80-\u0bff]"),
    "zh": Language("Chinese", ("english",), letters=f"[{HAN}]"),
    "ja": Language("Japanese", ("english",), letters=f"[{KANA}{HAN}]"),
    "ko": Language("Korean", ("english",), letters=f"[{HANGUL}]"),
    "uk": Language("Ukrainian", ("english",), letters=_CYRILLIC),
    "pl": Language("Polish"),
    "cs": Language("Czech"),
    "ca": Language("Catalan", elides=True),
    OTHER: Language("another language"),
}
"""The languages told apart, by ISO 639-1 code."""
