"""The only package that prints and sanitises output.

Renderers that few commands use are imported from their modules, to keep other commands fast.
"""

from ragqa.render.documents import (
    answer_document,
    index_document,
    list_document,
    report_document,
    search_document,
    skipped_document,
    to_json,
    warnings_of,
)
from ragqa.render.progress import ProgressLine
from ragqa.render.results import Linker, print_answer, print_list, print_report, print_search
from ragqa.render.screen import (
    confirm,
    discard_output,
    print_as_is,
    print_document,
    print_error,
    print_warnings,
    say,
    show_logged_warnings,
)
from ragqa.safe import safe_line, safe_text

__all__ = [
    "Linker",
    "ProgressLine",
    "answer_document",
    "confirm",
    "discard_output",
    "index_document",
    "list_document",
    "print_answer",
    "print_as_is",
    "print_document",
    "print_error",
    "print_list",
    "print_report",
    "print_search",
    "print_warnings",
    "report_document",
    "safe_line",
    "safe_text",
    "say",
    "search_document",
    "show_logged_warnings",
    "skipped_document",
    "to_json",
    "warnings_of",
]
