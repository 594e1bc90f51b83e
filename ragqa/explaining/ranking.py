"""Rank one note's passages and sentences among all; find what excludes it and what it lacks."""

from collections.abc import Sequence

from ragqa.answering import Assessment
from ragqa.answering.excerpt import Excerpt
from ragqa.answering.score import citation_of
from ragqa.answering.sentences import Candidate, sources_of
from ragqa.api import MIN_POOL, Index
from ragqa.api.index import Found
from ragqa.explaining.explanation import Lost, Place, Sentence
from ragqa.explaining.targets import Target
from ragqa.search.question import Question
from ragqa.search.retrieve import Legs, find_legs, hits_of, ranked
from ragqa.stores.filters import note_matcher
from ragqa.text.words import passage_terms, query_terms, tokenize
from ragqa.types import Filters, NoteRecord, Passage

_MAX_MISSING = 8


def rank_note(
    index: Index, asked: Found, target: Target, filters: Filters
) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """Rank a note's passages, or those that touch the target's lines, among all passages.

    :returns: the passages, best first, and the filters that exclude the note. If there are any, the
        ranks are unfiltered.
    """
    snapshot, path, lines = index.snapshot(), target.path, target.lines
    passages = [
        passage.id
        for passage in snapshot.of_note(path)
        if lines is None or (passage.lines[0] <= lines[1] and lines[0] <= passage.lines[1])
    ]
    left_out = _excluding(filters, snapshot.notes()[path]) if passages else ()
    searched = Filters() if left_out else filters
    legs, fused = _search(index, asked.question, searched)
    ranks = {id_: rank for rank, (id_, _) in enumerate(fused, start=1)}
    scores = dict(fused)
    hits = hits_of(snapshot, legs, [(id_, scores.get(id_, 0.0)) for id_ in passages])
    read = set() if left_out else {hit.passage.id for hit in sources_of(asked.hits)}
    places = [Place(hit, ranks.get(hit.passage.id), hit.passage.id in read) for hit in hits]
    return tuple(sorted(places, key=_order)), left_out


def _order(place: Place) -> tuple[float, float]:
    """The sort key of a note's passages, best first."""
    ranks = place.rank, place.hit.dense_rank, place.hit.terms_rank
    fused, *legs = (float("inf") if rank is None else rank for rank in ranks)
    return fused, min(legs)


def rank_sentences(
    assessment: Assessment, places: Sequence[Place], lines: tuple[int, int] | None
) -> tuple[Sentence, ...]:
    """The candidate sentences of these places, on these lines if given, best first."""
    own = {place.hit.passage.id for place in places}
    found = []
    in_order = sorted(assessment.candidates, key=lambda one: -one.score)
    for rank, one in enumerate(in_order, start=1):
        if one.hit.passage.id not in own:
            continue
        citation = citation_of(one, rank)
        first, last = citation.lines
        if lines is None or (first <= lines[1] and lines[0] <= last):
            found.append(Sentence(citation, rank, why_lost(one, assessment.excerpts)))
    return tuple(found)


def why_lost(one: Candidate, excerpts: Sequence[Excerpt]) -> Lost | None:
    """Why a candidate is not in the answer; None where an excerpt has it."""
    if any(excerpt.overlaps(one) for excerpt in excerpts):
        return None
    best = max((excerpt.best.score for excerpt in excerpts), default=float("inf"))
    return Lost.PASSED_OVER if one.score >= best else Lost.WEAK


def missing_words(question: str, passage: Passage) -> tuple[str, ...]:
    """The question's words that a passage lacks."""
    language = passage.language
    lacking = set(query_terms(question, [language])).difference(passage_terms(passage))
    words = dict.fromkeys(tokenize(question, pairs_only=True))
    return tuple(word for word in words if lacking.issuperset(query_terms(word, [language])))[
        :_MAX_MISSING
    ]


def _excluding(filters: Filters, note: NoteRecord) -> tuple[str, ...]:
    """The command-line options of the filters that exclude a note."""
    each = {f"--tag {tag}": Filters(tags=(tag,)) for tag in filters.tags}
    each[" ".join(f"--path {one}" for one in filters.paths)] = Filters(paths=filters.paths)
    each[f"--since {filters.since}"] = Filters(since=filters.since)
    each[f"--where {filters.where!r}"] = Filters(where=filters.where)
    return tuple(option for option, one in each.items() if not note_matcher(one)(note))


def _search(
    index: Index, question: Question, filters: Filters
) -> tuple[Legs, list[tuple[int, float]]]:
    """The legs with every passage, and their fusion as `ask` does it, with its limit from each."""
    snapshot, ranking = index.snapshot(), index.ranking
    most = max(snapshot.info.passages, ranking.candidates)
    legs = find_legs(snapshot, question, most=most, filters=filters)
    pool = max(index.settings.top_k, MIN_POOL, ranking.candidates)
    first = Legs(legs.dense[:pool], legs.terms[:pool])
    return legs, ranked(snapshot, question, first, ranking)
