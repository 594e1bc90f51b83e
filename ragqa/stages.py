"""The stages at which a question can lose a note, named in one place."""

from math import inf

LOOKED_AT = 5
"""People look at the first five results; anything ranked lower was missed."""

STAGES = {
    "chunking": "no passage holds it whole",
    "dense": "it ranked lowest by its meaning",
    "terms": "it ranked lowest by its words",
    "dense and terms": "it ranked equally low by its meaning and by its words, or was not found",
    "fusion": "by its meaning or its words alone it was among the first five, by both it was not",
    "composer": "the passage was found, its sentence was not chosen",
    "confidence": "no answer was given, so nothing was cited",
    "noise": "it was cited, and more than half of what was cited is something else",
}
"""How each stage loses a question."""

RANKED_BY = {"dense": "by meaning", "terms": "by words", "hybrid": "by both"}
"""The rankings' names for people; JSON documents use the keys."""

_NAMES = {
    "chunking": "splitting",
    "dense": "meaning",
    "terms": "words",
    "dense and terms": "meaning and words",
    "fusion": "ranking",
    "composer": "choice of sentences",
}


def stage_name(stage: str) -> str:
    """A stage's name for people; JSON documents use the stage itself."""
    return _NAMES.get(stage, stage)


def losing_leg(dense: int | None, terms: int | None) -> str:
    """The stage that lost a passage not in the top five, by its rank in each leg."""
    by_dense, by_terms = (inf if rank is None else rank for rank in (dense, terms))
    if min(by_dense, by_terms) <= LOOKED_AT:
        return "fusion"
    if by_dense == by_terms:
        return "dense and terms"
    return "dense" if by_dense > by_terms else "terms"
