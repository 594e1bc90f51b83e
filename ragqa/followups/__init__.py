"""Follow-up questions: one that leans on the question before is made to stand alone.

`rule` does it without an LLM, `rewriting` with one.
"""

from ragqa.followups.rewriting import NotRewritten, rewritten
from ragqa.followups.rule import completed, leans
from ragqa.followups.turns import Turn, context

__all__ = ["NotRewritten", "Turn", "completed", "context", "leans", "rewritten"]
