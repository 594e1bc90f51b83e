"""Which keys of the front matter answer a question: those that it asks for."""

from collections.abc import Collection

from ragqa.text.words import compiled, index_terms, synonyms, word_set
from ragqa.types import Passage, Unit

_KEY = r"[\"']?([\w .-]{1,80})[\"']?\s*:(?:\s+|\Z)"
_WORD_SEAM = r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])"

# Keys for programs, without the marks between their words.
_STRUCTURAL = word_set(
    "title layout template permalink slug id uid uuid alias aliases tag tags draft publish "
    "cssclass cssclasses redirectfrom redirectto navorder weight sidebar cspell "
    "created createdat datecreated updated updatedat dateupdated lastupdated "
    "modified modifiedat datemodified lastmodified lastmod lastedited"
)


def answers_for(asked: Collection[str] | None, passage: Passage, unit: Unit) -> bool:
    """Whether a question asks for a key of the front matter, and the key has a value in words.

    It does if it names the key, or one of its parents, by a word or a synonym.

    :param asked: the question's terms; None asks for every key that is not for programs.
    """
    quote = passage.quote(unit)
    keyed = compiled(_KEY).match(quote)
    key = keyed[1] if keyed else ""
    words = " ".join(compiled(_WORD_SEAM).split(key))
    value = quote[keyed.end() :] if keyed else quote
    if not any(map(str.isalnum, value)) or words.replace(" ", "").casefold() in _STRUCTURAL:
        return False
    named = index_terms(f"{unit.context} {words}", passage.language)
    return asked is None or not {*map(_canonical, named)}.isdisjoint(map(_canonical, asked))


def _canonical(term: str) -> str:
    return synonyms().get(term, term)
