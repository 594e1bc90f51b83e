"""Questions from definitions: "X is a …", "X, or Y, is …", "**X**: …"."""

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ragqa.evaluation.generating.places import Material, Place
from ragqa.evaluation.generating.wording import (
    Draft,
    in_english,
    in_sentence_case,
    is_specific,
    key_of,
    short_answer,
    topic_of,
)
from ragqa.text.words import STOP_WORDS, query_terms
from ragqa.types import Kind

MAX_TERM_WORDS = 5

# These would leave a quotation, bracket or formula cut in two.
_CUT = r",;:()\[\]|?!$=\"“”：（），"  # noqa: RUF001 - those of Chinese too
_TERM = rf"(?P<term>[^\s.{_CUT}][^{_CUT}]{{1,60}}?)"
_SENTENCE = re.compile(
    rf"(?:The |A |An )?{_TERM}"
    r"(?: \([^()]{1,60}\)|, (?:also (?:called|known as)|or) [^,]{2,60},)?"
    r" (?:(?P<many>are)|is|means|refers to|stands for|describes)"
    r" (?P<rest>(?:simply |just |basically |usually |essentially )?"
    r"(?:a|an|any|one|the (?!same|case|most|best|first)\w+)\b.{10,})"
)
_STATED = re.compile(rf"(?:The |A |An )?{_TERM} (?:means|refers to|stands for) (?P<rest>.{{10,}})")
_APPOSITION = re.compile(
    rf"(?:The |A |An )?{_TERM}, (?P<rest>(?:the|an?) [^,]{{10,120}}), (?:[a-z]+(?:s|ed)|can|had)\b"
)
_LABELLED = re.compile(
    rf"(?P<term>[^\d\W][^–—{_CUT}]{{1,60}}?)(?::\s|：| [—–-] )\s*"  # noqa: RUF001 - as notes have it
    r"(?P<rest>(?:(?! [—–-] ).){15,})\Z"  # noqa: RUF001 - as notes have it
)
_UNSPACED = re.compile(
    rf"(?P<term>(?![一这那它其他她我你该此])[^\s。、是{_CUT}]{{3,20}}?)"
    r"(?:是(?=一[种个类项]|指)|指的是)(?P<rest>.{6,})"
)
_ARTICLE = re.compile(r"(?:an?|the|any) ", re.IGNORECASE)
_NAME = re.compile(r"\d|(?<=\w)[A-Z]|\w \W*[A-Z]")
_BOLD = re.compile(r"\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)?(?:\*\*|__)")

# Words that refer to earlier text, or introduce what follows.
_UNNAMED_WORDS = """
    another every everything first here last many mine none nothing one others several
    second something still third today two three well also since note key main goal idea point
    problem reason refer result example use using tip caution warning given like unlike yet see
    currently now let
"""
_UNNAMED = STOP_WORDS | frozenset(_UNNAMED_WORDS.split())
_POSSESSIVE = ("its", "their", "his", "her", "my", "our", "your", "it")
_POINTERS = frozenset(["this", "that", "these", "those", "such", *_POSSESSIVE])
_VERB_WORDS = """
    is are was were has have had can will would should could must may might do does did says
    said makes make made gives give uses used shows show means that which who where when
    because
"""
_VERBS = frozenset(_VERB_WORDS.split())


@dataclass(frozen=True, slots=True)
class _Definition:
    term: str
    rest: str
    place: Place
    is_noun: bool
    is_many: bool = False


def draft_definitions(material: Material, rng: random.Random) -> Iterator[Draft]:
    """Yield a question for each defined term.

    A term defined in two places is asked for without its topic, so that the drafts can be merged:
    both places are gold, or neither if they differ.
    """
    by_term: defaultdict[tuple[str, ...], list[_Definition]] = defaultdict(list)
    for place in material.all_places():
        found = _defined(place) if place.is_prose else None
        if found and is_specific(found.term):
            by_term[key_of(found.term)].append(found)
    for definitions in by_term.values():
        first = definitions[0]
        is_known = _is_name(first) and material.is_rare(first.term)
        question = _ask(first, rng, is_alone=is_known or len(definitions) > 1)
        for found in definitions if question else ():
            answer = short_answer(found.rest, found.place, question=question)
            yield Draft(question, found.place, answer)


def _defined(place: Place) -> _Definition | None:
    """The definition that the place gives, if any."""
    for pattern in (_SENTENCE, _STATED, _APPOSITION, _UNSPACED):
        match = pattern.match(place.words)
        if match and _is_term(match["term"]):
            is_many = "many" in match.groupdict() and match["many"] is not None
            return _Definition(match["term"], match["rest"], place, True, is_many)  # noqa: FBT003 - a field
    match = _LABELLED.match(place.words)
    is_labelled = place.kind is Kind.ITEM or _BOLD.match(place.quote)
    if match and is_labelled and _is_term(match["term"]):
        is_noun = _ARTICLE.match(match["rest"]) is not None
        return _Definition(match["term"], match["rest"], place, is_noun)
    return None


def _is_term(term: str) -> bool:
    words = term.casefold().split()
    return (
        0 < len(words) <= MAX_TERM_WORDS
        and ". " not in term
        and words[0] not in _UNNAMED
        and _POINTERS.isdisjoint(words)
        and _VERBS.isdisjoint(words)
        and words[-1] not in STOP_WORDS
    )


def _is_name(found: _Definition) -> bool:
    """Whether the term is clear by itself: a name, or the topic of its section."""
    about = query_terms(" ".join((found.place.title, *found.place.headings[-1:])))
    is_topic = set(query_terms(found.term)) <= set(about)
    return found.is_noun and (is_topic or _NAME.search(found.term) is not None)


def _ask(found: _Definition, rng: random.Random, *, is_alone: bool) -> str:
    """Ask what the term is, with its topic unless `is_alone`; "" if there is no topic."""
    term = in_sentence_case(found.term)
    topic = "" if is_alone else topic_of(found.place, beside=term)
    if not topic and not is_alone:
        return ""
    if not in_english(term, topic or term):
        return f"{topic} {term}".strip()
    verb = "are" if found.is_many else "is"
    if topic and found.is_noun:
        return rng.choice((f"what {verb} {term} in {topic}?", f"{topic} {term}".lower()))
    if topic:
        return rng.choice((f"{topic} {term}".lower(), f"{term} in {topic}"))
    if not found.is_noun:
        return term.lower()
    if len(query_terms(term)) > 1:
        return rng.choice((f"what {verb} {term}?", f"{term} meaning".lower(), f"define {term}"))
    mean = "do" if found.is_many else "does"
    return rng.choice((f"what {mean} {term} mean?", f"{term} definition".lower()))
