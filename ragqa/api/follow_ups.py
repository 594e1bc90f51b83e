"""A question of a chat, made to stand alone before it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from ragqa.api.answers import is_for_llm
from ragqa.api.index import Index
from ragqa.errors import BackendFailed
from ragqa.followups import NotRewritten, Turn, completed, context, needs_context, rewritten
from ragqa.retrieval import clean_question, retrieve
from ragqa.types import Filters, Progress

if TYPE_CHECKING:
    from ragqa.writing import Writer


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question as it was asked, and as it stands alone; `warnings` say what went wrong.

    `failure` is why the LLM that was to rewrite it could not be asked, `took_s` how many seconds it
    took.
    """

    asked: str
    question: str
    warnings: tuple[str, ...] = ()
    failure: BackendFailed | None = None
    took_s: float = 0

    @property
    def is_completed(self) -> bool:
        """Whether it was completed from the questions before."""
        return self.question != self.asked

    def left_of(self, writer: "Writer") -> "Writer":
        """The writer with the time that it has left for the answer."""
        return replace(writer, deadline_s=writer.deadline_s - self.took_s)


def follow_up(
    index: Index,
    question: str,
    turns: Sequence[Turn],
    *,
    filters: Filters | None = None,
    writer: "Writer | None" = None,
    progress: Progress | None = None,
) -> FollowUp:
    """Make a question stand alone, by the rule or, if one is to write answers, by the LLM.

    The LLM is asked only for a question that depends on others, and only if the notes answer what
    the rule makes of it. Its text is used only if it is this question rewritten; otherwise the
    rule's is used, with a warning.

    :param turns: all that was asked before; see `ragqa.followups.context`.
    :param progress: told when the LLM is waited for, and only then.
    :raises UsageError: there is nothing to look for in the question, or it is too long.
    :raises NotAllowed: the LLM may not be sent anything.
    :raises IndexUnusable: the index cannot be trusted.
    """
    asked = clean_question(question)
    turns = context(turns)
    if not turns or not index.is_built():
        return FollowUp(asked, asked)
    snapshot = index.snapshot()
    find = partial(
        retrieve,
        snapshot,
        index.source.embedders.asking,
        k=1,
        filters=filters or Filters(),
        ranking=index.ranking,
    )
    if not needs_context(asked, snapshot, find):
        return FollowUp(asked, asked)
    by_rule = FollowUp(asked, completed(asked, turns[-1], snapshot))
    if writer is None:
        return by_rule
    own = index.ask(by_rule.question, filters=filters, refresh=False)
    if not is_for_llm(own, writer):
        return by_rule
    writer.keep(own)
    if not writer.allow():
        return by_rule
    if progress is not None:
        progress("waiting", 0, 1)
    start = monotonic()
    return replace(_by_llm(by_rule, turns, writer), took_s=monotonic() - start)


def _by_llm(by_rule: FollowUp, turns: Sequence[Turn], writer: "Writer") -> FollowUp:
    """The question as the LLM makes it stand alone; as the rule does, where that fails."""
    try:
        question = rewritten(
            by_rule.asked,
            turns,
            writer.llm,
            max_tokens=writer.answer_tokens,
            deadline_s=writer.deadline_s,
        )
    except NotRewritten as exc:
        backend = writer.llm.destination.backend
        problem = f"{backend} did not rewrite the question, so a rule did: {exc}"
        return replace(by_rule, warnings=(problem,))
    except BackendFailed as exc:
        return replace(by_rule, failure=exc)
    return replace(by_rule, question=question)
