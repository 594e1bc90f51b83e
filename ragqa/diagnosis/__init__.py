"""Diagnose the index and the configured LLM, with a command to fix each problem."""

from ragqa.diagnosis.index import Finding, NotesIn, Severity, Status, diagnose, repair, status_of
from ragqa.diagnosis.llm import Choice, Overview, choice_of, diagnose_llm, overview_of

__all__ = [
    "Choice",
    "Finding",
    "NotesIn",
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
