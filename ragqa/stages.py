"""The stages of asking at which a note can be lost, named in one place."""

LOOKED_AT = 5
"""A reader looks at so many places of a ranking: what comes later was missed."""

STAGES = {
    "chunking": "no passage holds it whole",
    "dense": "the dense leg ranked it lowest",
    "terms": "the terms leg ranked it lowest",
    "dense and terms": "both legs ranked it equally low, or not at all",
    "fusion": "a leg had it among the first five, both together had not",
    "composer": "the passage was found, its sentence was not chosen",
}
"""What each stage that can lose a question did."""


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
