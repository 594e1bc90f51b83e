"""What is told of a note that is in an answer, or is not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragqa.answering import PASSAGES, Lost
from ragqa.stages import STAGES as LOST_STAGES
from ragqa.types import Citation, Correction, Disagreement, Hit, IndexInfo, Reason

SAID = "said"

STAGES = LOST_STAGES | {
    "not indexed": "the index does not have it",
    "filters": "--tag, --path or --since leave it out",
    "changed": "it no longer says what the index says",
    "confidence": "no answer was given, so nothing was quoted",
    SAID: "it is in the answer",
}
"""How far a note came: the stages that can lose a question, and those that only a note knows."""


@dataclass(frozen=True, slots=True)
class Place:
    """A passage of the note, with its rank among all passages by both legs together.

    `rank` is None where it is no candidate; its score is then 0. The ranks of the legs in `hit`
    go beyond the candidates. `read` tells whether sentences were taken from it.
    """

    hit: Hit
    rank: int | None
    read: bool

    @property
    def order(self) -> tuple[float, float]:
        """What sorts the passages of a note, best first."""
        legs = [rank for rank in (self.hit.dense_rank, self.hit.terms_rank) if rank is not None]
        last = float("inf")
        return last if self.rank is None else self.rank, min(legs, default=last)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the note that could have been said; `lost` says why it was not.

    `rank` is among all candidate sentences.
    """

    citation: Citation
    rank: int
    lost: Lost | None


@dataclass(frozen=True, slots=True)
class Missing:
    """A word of the question that the best passage lacks, and the word most like it in the note.

    `near` is the same word where another passage has it, and "" where there is none like it.
    """

    word: str
    near: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """The question asked again with more words: where the note then ranks, and if it is said."""

    words: tuple[str, ...]
    rank: int | None
    said: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far a note came on the way into the answer to a question.

    `lines` are those asked about, if any. `reason` says why the note is not indexed. `filters` are
    those that leave it out; the ranks are then those without any. `places` are its passages, or
    those that touch the lines, best first. `candidates` counts the sentences that could have been
    said, `sentences` are those of the places, best first. `said` is the answer, or would be if it
    had not been withheld. `reasons` told confidence. `trials` are questions with more words, best
    first. `disagreements` are those of the answer that show a sentence of the places. `corrected`
    is as in `Answer`.
    """

    question: str
    path: str
    lines: tuple[int, int] | None
    stage: str
    info: IndexInfo
    reason: str = ""
    filters: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    by_terms_alone: bool = False
    answered: bool = False
    confidence: float = 0.0
    reasons: tuple[Reason, ...] = ()
    candidates: int = 0
    sentences: tuple[Sentence, ...] = ()
    said: tuple[Citation, ...] = ()
    missing: tuple[Missing, ...] = ()
    trials: tuple[Trial, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    warnings: tuple[str, ...] = ()
    corrected: tuple[Correction, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def helps(self) -> bool:
        """Whether the first trial brought the note past the stage where it was lost."""
        if not self.trials:
            return False
        best = self.trials[0]
        ranked_low = self.stage not in ("composer", "confidence")
        return best.said or (ranked_low and best.rank is not None and best.rank <= PASSAGES)
