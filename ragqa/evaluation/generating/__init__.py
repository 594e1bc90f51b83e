"""Generate questions from the user's notes, without an LLM, to measure retrieval on them.

`places` splits notes into quotable places; `headings`, `definitions`, `cells`, `masked` and `links`
each draft questions of one kind; `drawing` merges duplicates and selects. `wording` has what the
kinds share.
"""

from ragqa.evaluation.generating.drawing import generate_questions

__all__ = ["generate_questions"]
