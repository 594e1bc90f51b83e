"""Why a note is or is not in an answer: how it ranked, and the stage that lost it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

from ragqa.answering import Assessment, assess, cite
from ragqa.answering.candidates import PASSAGES, sources_of
from ragqa.api import Found, Index
from ragqa.index.filters import passing
from ragqa.lookup import NoteLookup, Reference
from ragqa.search.retrieve import Ranks, retrieve
from ragqa.types import (
    Citation,
    Correction,
    Filters,
    Hit,
    IndexInfo,
    JsonShape,
    Passage,
    Progress,
    Span,
)

LOOKED_AT = 5
"""People look at the first five results."""

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

_NAMES = {
    "chunking": "splitting",
    "dense": "meaning",
    "terms": "words",
    "dense and terms": "meaning and words",
    "fusion": "ranking",
    "composer": "choice of sentences",
}

SAID = "said"

_WHY = STAGES | {
    "chunking": "it holds no text that can be searched there",
    "filters": "--tag, --path, --since, --until or --where excludes it",
    "changed": "its text has changed since it was indexed; run ragqa index",
    "composer": "it was found, and other sentences answer the question better",
    "confidence": "no answer was given, so nothing was quoted",
}
"""How each stage loses a note."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far a note came on the way into the answer to a question.

    The ranks are those of its best passage by meaning, by words and by both, without filters if
    these exclude the note. `sentence` is the best that was read of it.
    """

    JSON = JsonShape(
        "question corrected target verdict reason=target.reason stage by_meaning by_words by_both "
        "passages=info.passages sentence=sentence.quote lines=sentence.lines warnings waiting "
        "index=info",
        null="sentence lines",
    )

    target: Reference
    question: str
    corrected: tuple[Correction, ...]
    info: IndexInfo
    stage: str
    by_meaning: int | None = None
    by_words: int | None = None
    by_both: int | None = None
    sentence: Citation | None = None
    warnings: tuple[str, ...] = ()
    waiting: int = 0

    @property
    def verdict(self) -> str:
        """Whether the note is in the answer, and else at which stage it was lost, in a line."""
        if self.stage == SAID:
            return "in the answer"
        if self.target.reason:
            return f"not indexed: {self.target.reason}"
        return f"not in the answer, lost at {stage_name(self.stage)}: {_WHY[self.stage]}"


def explain(
    index: Index,
    question: str,
    *,
    target: str,
    filters: Filters | None = None,
    refresh: bool = True,
    progress: Progress | None = None,
) -> Explanation:
    """Ask a question and explain how far a note came; raises as `Index.ask` and `NoteLookup.find`.

    :param target: a reference to a note, or to a part of it.
    """
    filters = filters or Filters()
    asked = index.find(question, filters, refresh=refresh, progress=progress, every=True)
    snapshot = index.snapshot()
    note = NoteLookup.of(index, snapshot.notes().values(), asked.info).find(target)
    explained = partial(
        Explanation, note, asked.question.typed, asked.question.corrected, asked.info,
        warnings=tuple(asked.warnings), waiting=asked.waiting,
    )  # fmt: skip
    if note.reason:
        return explained(stage="not indexed")
    passages = [one for one in snapshot.passages(at=[note.path]) if _touches(one.lines, note.lines)]
    if not passages:
        return explained(stage="chunking")
    own = {passage.id for passage in passages}
    if not passing([snapshot.notes()[note.path]], filters):
        among_all = retrieve(snapshot, asked.question, 1, contexts=index.contexts, every=True)
        return explained("filters", *among_all.ranks(own))
    ranks = asked.retrieved.ranks(own)
    evidence, embedder = index.evidence(asked), index.source.embedders.asking
    assessment = assess(asked.question, evidence, embedder, reranker=index.reranker)
    candidates = sorted(assessment.candidates, key=lambda candidate: -candidate.score)
    of_note = [candidate for candidate in candidates if candidate.passage.id in own]
    cited = [(each, cite(each, 1, evidence, is_excerpt=False)) for each in of_note]
    wanted = [pair for pair in cited if _touches(pair[1].lines, note.lines)]
    said = any(one.overlaps(each) for one in assessment.chosen.excerpts for each, _ in wanted)
    stage = _stage(asked, passages, ranks, assessment, said=said)
    return explained(stage, *ranks, sentence=wanted[0][1] if wanted else None)


def _stage(
    asked: Found, passages: Sequence[Passage], ranks: Ranks, assessment: Assessment, *, said: bool
) -> str:
    """The stage that a note did not pass."""
    by_meaning, by_words, by_both = ranks
    read = {hit.passage.id for hit in sources_of(asked.hits)}
    is_read = any(passage.id in read for passage in passages)
    if not asked.notes.standing([Hit(one, 0.0, None, None) for one in passages])[0]:
        return "changed"
    if not is_read and (by_both is None or by_both > PASSAGES):
        return "terms" if asked.question.by_terms_alone else losing_leg(by_meaning, by_words)
    if not assessment.answered:
        return "confidence"
    return SAID if said else "composer"


def _touches(lines: Span, wanted: Span | None) -> bool:
    return wanted is None or (lines[0] <= wanted[1] and wanted[0] <= lines[1])


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
