"""The explanation of why a note is or is not in an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ragqa.answering import Assessment
from ragqa.api.index import Found
from ragqa.explaining.targets import Target
from ragqa.stages import STAGES as LOST_STAGES
from ragqa.types import Citation, Hit

SAID = "said"

STAGES = LOST_STAGES | {
    "not indexed": "it is not in the index",
    "filters": "--tag, --path or --since excludes it",
    "changed": "its text has changed since it was indexed",
    "confidence": "no answer was given, so nothing was quoted",
    SAID: "it is in the answer",
}
"""How far a note came: the stages that can lose a question, and those specific to a note."""


class Lost(StrEnum):
    """Why a candidate sentence is not in the answer.

    One that scores as high as the best excerpt is passed over where another paragraph defines the
    term asked for, or a newer note contradicts it.
    """

    WEAK = "weak"
    PASSED_OVER = "passed over"


@dataclass(frozen=True, slots=True)
class Place:
    """A passage of the note, with its fused rank among all passages.

    `rank` is None, and the score 0, if it is not a candidate. The ranks of the legs in `hit` go
    beyond the candidates. `read` is whether sentences were taken from it.
    """

    hit: Hit
    rank: int | None
    read: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """A candidate sentence of the note; `lost` is why it was not said, None if it was.

    `rank` is among all candidate sentences.
    """

    citation: Citation
    rank: int
    lost: Lost | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far a note came on the way into the answer to a question.

    `filters` are those that exclude it; ranks are then unfiltered. `places` are its passages, or
    those that touch the target's lines, best first. `sentences` are the candidates of these, best
    first. `said` is the answer, even if it was withheld. `missing` has the words of the question
    that the best place lacks. The `assessment` of the question is empty if the note is not indexed.
    """

    target: Target
    asked: Found
    stage: str = "not indexed"
    assessment: Assessment = field(default_factory=Assessment)
    filters: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    said: tuple[Citation, ...] = ()
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    waiting: int = 0
    timings_ms: Mapping[str, float] = field(default_factory=dict)
