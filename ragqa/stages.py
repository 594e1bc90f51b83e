"""The stages of asking at which a note can be lost, named in one place."""

LOOKED_AT = 5
"""A reader looks at so many places of a ranking: what comes later was missed."""

STAGES = {
    "chunking": "no passage holds it whole",
    "dense": "it ranked lowest by its meaning",
    "terms": "it ranked lowest by its words",
    "dense and terms": "it ranked equally low by its meaning and by its words, or was not found",
    "fusion": "by its meaning or its words alone it was among the first five, by both it was not",
    "composer": "the passage was found, its sentence was not chosen",
}
"""What each stage that can lose a question did."""

EXCERPT_STAGES = STAGES | {
    "confidence": "no answer was given, so nothing was cited",
    "noise": "it was cited, and more than half of what was cited is something else",
}
"""The same where citations are held against all that should have been cited."""

BEHIND_RANKING = ("composer", "confidence", "noise")
"""Stages that lose what was among the first five."""

RANKED_BY = {"dense": "by meaning", "terms": "by words", "hybrid": "by both"}
"""What the rankings are called where people read them; documents have their own names."""

_NAMES = {
    "chunking": "splitting",
    "dense": "meaning",
    "terms": "words",
    "dense and terms": "meaning and words",
    "fusion": "ranking",
    "composer": "choice of sentences",
}


def stage_name(stage: str) -> str:
    """What a stage is called where people read it; documents have its own name."""
    return _NAMES.get(stage, stage)


def losing_leg(dense: int | None, terms: int | None) -> str:
    """The stage that lost what is not among the first five, by its rank in each leg."""
    by_dense, by_terms = _order(dense), _order(terms)
    if min(by_dense, by_terms) <= LOOKED_AT:
        return "fusion"
    if by_dense == by_terms:
        return "dense and terms"
    return "dense" if by_dense > by_terms else "terms"


def _order(rank: int | None) -> float:
    return float("inf") if rank is None else rank
