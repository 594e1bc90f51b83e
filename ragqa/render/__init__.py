"""The only package that prints and sanitises output.

Renderers that few commands use are imported from their modules, to keep other commands fast.
"""

# ruff: noqa: I001 - names that are exported, a statement a module
from ragqa.render.results import (
    Linker as Linker,
    print_answer as print_answer,
    print_list as print_list,
    print_report as print_report,
    print_search as print_search,
)
from ragqa.render.screen import (
    ProgressLine as ProgressLine,
    confirm as confirm,
    discard_output as discard_output,
    print_as_is as print_as_is,
    print_document as print_document,
    print_error as print_error,
    print_warnings as print_warnings,
    say as say,
    show_logged_warnings as show_logged_warnings,
    to_json as to_json,
)
from ragqa.render.view import warnings_of as warnings_of
from ragqa.safe import safe_line as safe_line, safe_text as safe_text
