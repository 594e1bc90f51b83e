"""A question of a chat, made to stand alone before it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ragqa.api.index import Index
from ragqa.errors import BackendFailed
from ragqa.followups import Turn, rewritten, self_contained
from ragqa.retrieval import clean_question, retrieve
from ragqa.types import Filters

if TYPE_CHECKING:
    from ragqa.writing import Writer


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question as it was asked, and as it stands alone; `warnings` say what went wrong."""

    asked: str
    question: str
    warnings: tuple[str, ...] = ()

    @property
    def is_completed(self) -> bool:
        """Whether it leant on the questions before."""
        return self.question != self.asked


def follow_up(
    index: Index,
    question: str,
    turns: Sequence[Turn],
    *,
    filters: Filters | None = None,
    writer: "Writer | None" = None,
) -> FollowUp:
    """Make a question stand alone, by the rule or, if one is to write answers, by the LLM.

    What an LLM has written is taken only where it is this question rewritten; else the rule is
    used, and a warning says so.

    :raises UsageError: there is nothing to look for in the question, or it is too long.
    :raises IndexUnusable: the index cannot be trusted.
    """
    asked = clean_question(question)
    if not turns or not index.is_built():
        return FollowUp(asked, asked)
    warnings = []
    if writer is not None:
        try:
            return FollowUp(asked, rewritten(asked, turns, writer.llm, writer.deadline_s))
        except BackendFailed as exc:
            backend = writer.llm.destination.backend
            warnings = [f"{backend} did not rewrite the question, so a rule did: {exc.message}"]
    snapshot = index.snapshot()
    find = partial(
        retrieve,
        snapshot,
        index.source.embedders.asking,
        k=1,
        filters=filters or Filters(),
        ranking=index.ranking,
    )
    return FollowUp(asked, self_contained(asked, turns, snapshot, find), tuple(warnings))
