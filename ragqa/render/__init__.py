"""The only package that prints and sanitises output.

Renderers that few commands use are imported from their modules, to keep other commands fast.
"""

from ragqa.render.answer_lines import warnings_of
from ragqa.render.results import Linker, print_answer, print_list, print_report, print_search
from ragqa.render.screen import (
    ProgressLine,
    confirm,
    discard_output,
    print_as_is,
    print_document,
    print_error,
    print_warnings,
    say,
    show_logged_warnings,
    to_json,
)
from ragqa.safe import safe_line, safe_text

__all__ = [
    "Linker",
    "ProgressLine",
    "confirm",
    "discard_output",
    "print_answer",
    "print_as_is",
    "print_document",
    "print_error",
    "print_list",
    "print_report",
    "print_search",
    "print_warnings",
    "safe_line",
    "safe_text",
    "say",
    "show_logged_warnings",
    "to_json",
    "warnings_of",
]
