"""What is wrong, with the command that mends it: the index, and the LLM that is set.

`ragqa.diagnosis.trial`, which sends something, is imported on its own.
"""

from ragqa.diagnosis.findings import Finding, Severity
from ragqa.diagnosis.index import Status, diagnose, repair, status_of
from ragqa.diagnosis.llm import Choice, Overview, choice_of, diagnose_llm, overview_of

__all__ = [
    "Choice",
    "Finding",
    "Overview",
    "Severity",
    "Status",
    "choice_of",
    "diagnose",
    "diagnose_llm",
    "overview_of",
    "repair",
    "status_of",
]
