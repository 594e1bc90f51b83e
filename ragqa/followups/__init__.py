"""Make follow-up questions stand alone.

`rule` does it without an LLM, `rewriting` with one.
"""

from ragqa.followups.rewriting import NotRewritten, rewritten
from ragqa.followups.rule import completed, needs_context
from ragqa.followups.turns import Turn, context

__all__ = ["NotRewritten", "Turn", "completed", "context", "needs_context", "rewritten"]
