"""The only package that prints and sanitises output.

Renderers are imported from their modules, so that errors and other commands need none of them.
"""

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
    "ProgressLine",
    "confirm",
    "discard_output",
    "print_as_is",
    "print_document",
    "print_error",
    "print_warnings",
    "safe_line",
    "safe_text",
    "say",
    "show_logged_warnings",
    "to_json",
]
