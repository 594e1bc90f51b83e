"""Questions from headings: the heading and the note's title, answered by the text below it."""

import random
import re
from collections import Counter
from collections.abc import Iterator

from ragqa.evaluation.generating.places import Material, Place
from ragqa.evaluation.generating.wording import (
    Draft,
    asks,
    in_english,
    in_sentence_case,
    is_specific,
    key_of,
    short_answer,
    tidy,
    topic_of,
)
from ragqa.text.words import query_terms

_IT = re.compile(r"\b(?:it|this)\b", re.IGNORECASE)
# Aspects of a thing: only these fit "what is the … of …?".
_ASPECT = re.compile(
    r"(?P<many>(?:main |common |known )?(?:advantages|applications|benefits|components|costs"
    r"|disadvantages|drawbacks|features|limitations|limits|parameters|properties|pros|requirements"
    r"|risks|strengths|types|trade-?offs|variants|weaknesses)(?: and [a-z-]+s)?)"
    r"|(?P<one>architecture|formula|license|origin|performance|price|purpose|size|structure)",
    re.IGNORECASE,
)


def draft_headings(material: Material, rng: random.Random) -> Iterator[Draft]:
    """Yield a question for each specific heading."""
    leading = [place for place in material.all_places() if place.leads and place.is_prose]
    repeated = Counter(key_of(place.headings[-1]) for place in leading if place.headings)
    for place in leading:
        heading = tidy(place.headings[-1]) if place.headings else ""
        if not is_specific(heading):
            continue
        is_alone = repeated[key_of(place.headings[-1])] == 1 and len(query_terms(heading)) > 1
        question = _ask(heading, place, rng, is_alone=is_alone)
        if question:
            yield Draft(question, place, short_answer(place.words, place, question=question))


def _ask(heading: str, place: Place, rng: random.Random, *, is_alone: bool) -> str:
    """The heading as a question or search phrase; "" if that would be too vague."""
    topic = topic_of(place, beside=heading)
    if not topic or (is_alone and not in_english(heading)):
        return _alone(heading, rng) if is_alone else ""
    if not in_english(topic, heading):
        return f"{topic} {heading}"
    said = in_sentence_case(heading)
    if asks(heading):
        if _IT.search(heading):
            return _IT.sub(lambda _: topic, said, count=1)
        return f"{topic} {said}".lower()
    aspect = _ASPECT.fullmatch(said)
    if aspect:
        return f"what {'are' if aspect['many'] else 'is'} the {said} of {topic}?"
    return rng.choice((f"{topic} {said}".lower(), f"{said} in {topic}", f"{said} {topic}".lower()))


def _alone(heading: str, rng: random.Random) -> str:
    if not in_english(heading):
        return heading
    return rng.choice((in_sentence_case(heading), heading.lower()))
