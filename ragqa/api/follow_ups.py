"""Make a chat's question stand alone before it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from ragqa.api.answers import is_for_llm
from ragqa.api.index import Index
from ragqa.errors import BackendFailed
from ragqa.followups import NotRewritten, Turn, completed, context, needs_context, rewritten
from ragqa.retrieval import clean_question, retrieve
from ragqa.types import Filters, Progress

if TYPE_CHECKING:
    from ragqa.generation import Writer


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question as asked, and made to stand alone; `warnings` say what went wrong.

    `failure` is why the LLM could not rewrite it, `took_s` the seconds that it took.
    """

    asked: str
    question: str
    warnings: tuple[str, ...] = ()
    failure: BackendFailed | None = None
    took_s: float = 0

    @property
    def is_completed(self) -> bool:
        """Whether it depended on earlier questions."""
        return self.question != self.asked

    def left_of(self, writer: "Writer") -> "Writer":
        """The writer with the time left for the answer."""
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
    """Make a question stand alone, by a rule or, given a writer, by its LLM.

    The LLM is asked only if the question depends on earlier ones and the notes answer the rule's
    version, which stands, with a warning, unless the LLM's text is this question rewritten.

    :param turns: all earlier turns; see `ragqa.followups.context`.
    :param progress: called only while waiting for the LLM.
    :raises UsageError: the question has nothing to search for, or is too long.
    :raises NotAllowed: nothing may be sent to the LLM.
    :raises IndexUnusable: the index cannot be trusted.
    """
    asked = clean_question(question)
    turns = context(turns)
    if not turns or not index.is_built():
        return FollowUp(asked, asked)
    snapshot = index.snapshot()
    embedder, ranking = index.source.embedders.asking, index.ranking
    within = filters or Filters()
    find = partial(retrieve, snapshot, embedder, k=1, filters=within, ranking=ranking)
    if not needs_context(asked, snapshot, find):
        return FollowUp(asked, asked)
    by_rule = FollowUp(asked, completed(asked, turns[-1], snapshot))
    if writer is None:
        return by_rule
    own = index.ask(by_rule.question, filters=filters, refresh=False)
    if not is_for_llm(own, writer):
        return by_rule
    writer.keep(own)
    return _by_llm(by_rule, turns, writer, progress) if writer.allow() else by_rule


def _by_llm(
    by_rule: FollowUp, turns: Sequence[Turn], writer: "Writer", progress: Progress | None
) -> FollowUp:
    """The question rewritten by the LLM; if that fails, the rule's version."""
    if progress is not None:
        progress("waiting", 0, 1)
    start = monotonic()
    changes: dict[str, Any]
    try:
        question = rewritten(
            by_rule.asked,
            turns,
            writer.llm,
            max_tokens=writer.answer_tokens,
            deadline_s=writer.deadline_s,
        )
        changes = {"question": question}
    except NotRewritten as exc:
        backend = writer.llm.destination.backend
        problem = f"{backend} did not rewrite the question, so a rule did: {exc}"
        changes = {"warnings": (problem,)}
    except BackendFailed as exc:
        changes = {"failure": exc}
    return replace(by_rule, **changes, took_s=monotonic() - start)
