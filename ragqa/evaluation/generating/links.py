"""Questions from links: the link's text, answered by the opening of the linked note."""

import posixpath
import random
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias
from urllib.parse import unquote

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
    without,
)
from ragqa.text.words import query_terms
from ragqa.types import Kind, Note

FIRST_PLACES = 3
"""An opening is among the first places: later ones rarely say what the note is about."""

Key: TypeAlias = tuple[str, ...]

_LINK = re.compile(
    r"(?<!!)\[\[(?P<wiki>[^\[\]|\n]{1,200})(?:\|(?P<label>[^\[\]|\n]{1,100}))?\]\]"
    r"|(?<!!)\[(?P<anchor>[^\[\]]{1,100})\]\(<?(?P<href>[^()\s<>]{1,200})>?\)"
)
_NOTE_SUFFIX = re.compile(r"\.(?:md|markdown|txt)\Z", re.IGNORECASE)


def draft_links(material: Material, rng: random.Random) -> Iterator[Draft]:
    """Yield a question for each link to another note by path, title or alias."""
    openings = _openings(material)
    names = _names(material)
    for place in material.all_places():
        for link in _LINK.finditer(place.quote):
            path, heading = _target(link, place, names)
            opening = openings.get((path, heading)) or openings.get((path, ()))
            if opening is None or path == place.path:
                continue
            anchor = " ".join((link["label"] or link["anchor"] or "").replace("`", "").split())
            question = _ask(tidy(anchor), place, opening, rng)
            if question:
                yield Draft(
                    question, opening, short_answer(opening.words, opening, question=question)
                )


def _openings(material: Material) -> Mapping[tuple[str, Key], Place]:
    """The first paragraph of each note and below each heading, by path and heading terms."""
    found: dict[tuple[str, Key], Place] = {}
    for path, places in material.places.items():
        for number, place in enumerate(places):
            if place.leads and place.is_prose and place.kind is Kind.PARAGRAPH:
                if number < FIRST_PLACES:
                    found.setdefault((path, ()), place)
                if place.headings:
                    found.setdefault((path, key_of(place.headings[-1])), place)
    return found


def _names(material: Material) -> Mapping[str, str]:
    """The path of each note by its names; "" for a name that two notes share."""
    named: dict[str, str] = {}
    for path, note in material.notes.items():
        for name in dict.fromkeys(_names_of(note)):
            named[name] = path if named.get(name, path) == path else ""
    return named


def _names_of(note: Note) -> Iterator[str]:
    """Title, aliases, and the path without any number of leading folders."""
    parts = _NOTE_SUFFIX.sub("", note.path).split("/")
    paths = ("/".join(parts[at:]) for at in range(len(parts)))
    yield from map(str.casefold, (*paths, note.title, *note.aliases))


def _target(link: re.Match[str], place: Place, names: Mapping[str, str]) -> tuple[str, Key]:
    """The path of the linked note, "" if unknown, and the terms of the linked heading."""
    name, _, heading = (link["wiki"] or unquote(link["href"])).partition("#")
    name = _NOTE_SUFFIX.sub("", name.removesuffix("\\").strip()).casefold()
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(place.path).casefold(), name))
    path = names.get("" if link["wiki"] else beside) or names.get(name.lstrip("/"), "")
    return path, key_of(heading.strip())


def _ask(anchor: str, place: Place, opening: Place, rng: random.Random) -> str:
    """Ask by the link's text, else the note's title; a single word gets another as context."""
    opening_terms = set(
        query_terms(f"{opening.title} {' '.join(opening.headings)} {opening.words}")
    )
    if not is_specific(anchor) or not opening_terms.issuperset(query_terms(anchor)):
        anchor = tidy(opening.title)
    if not is_specific(anchor):
        return ""
    if asks(anchor) or not in_english(anchor):
        return anchor
    said = in_sentence_case(anchor)
    if len(query_terms(anchor)) > 1:
        return rng.choice((f"what is {said}?", said.lower(), f"explain {said}"))
    beside = without(" ".join(place.headings[-1:]), anchor).split()
    shared = (
        word for word in beside if is_specific(word) and opening_terms.issuperset(query_terms(word))
    )
    more = next(shared, "").strip(" .,:;()?")
    return f"{said} {more}".lower() if more else rng.choice((f"explain {said}", f"{said} meaning"))
