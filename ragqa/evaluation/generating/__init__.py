"""Questions made from one's own notes, without a language model, for measuring retrieval on them.

`places` reads notes into what can be quoted; `headings`, `definitions`, `cells`, `masked` and
`links` each draft questions of one kind; `drawing` merges those that are the same and chooses.
`wording` is what the kinds share.
"""

from ragqa.evaluation.generating.drawing import generate_questions

__all__ = ["generate_questions"]
