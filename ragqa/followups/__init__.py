"""Follow-up questions: one that leans on the question before is made to stand alone.

`rule` does it without an LLM, `rewriting` with one.
"""

from ragqa.followups.rewriting import rewritten
from ragqa.followups.rule import self_contained
from ragqa.followups.turns import Turn

__all__ = ["Turn", "rewritten", "self_contained"]
