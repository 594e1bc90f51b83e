"""The only place that prints, and the only sanitiser."""

from ragqa.render.documents import (
    answer_document,
    index_document,
    report_document,
    search_document,
    skipped_document,
    to_json,
)
from ragqa.render.explanations import explanation_document, print_explanation
from ragqa.render.overviews import (
    findings_document,
    print_findings,
    print_settings,
    print_status,
    settings_document,
    status_document,
)
from ragqa.render.progress import ProgressLine
from ragqa.render.results import Linker, print_answer, print_report, print_search
from ragqa.render.sanitise import safe_line, safe_text
from ragqa.render.scores import print_scores
from ragqa.render.screen import (
    discard_output,
    print_as_is,
    print_document,
    print_error,
    print_warnings,
    say,
    show_logged_warnings,
)

__all__ = [
    "Linker",
    "ProgressLine",
    "answer_document",
    "discard_output",
    "explanation_document",
    "findings_document",
    "index_document",
    "print_answer",
    "print_as_is",
    "print_document",
    "print_error",
    "print_explanation",
    "print_findings",
    "print_report",
    "print_scores",
    "print_search",
    "print_settings",
    "print_status",
    "print_warnings",
    "report_document",
    "safe_line",
    "safe_text",
    "say",
    "search_document",
    "settings_document",
    "show_logged_warnings",
    "skipped_document",
    "status_document",
    "to_json",
]
