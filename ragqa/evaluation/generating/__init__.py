"""Generate questions from the user's notes, without an LLM, to measure retrieval on them.

`places` splits notes into quotable places, `drafts` drafts questions, `generate` selects some.
"""

from ragqa.evaluation.generating.generate import generate_questions

__all__ = ["generate_questions"]
