"""`ragqa eval`: measure retrieval, answers and confidence; compare, gate, report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.cli.eval_options import QUESTIONS, EvalOptions
from ragqa.cli.opening import load_flags, open_index, print_notices
from ragqa.cli.options import grouped_options
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.types import Progress

Document = dict[str, Any]
Evaluated = tuple[Document, Callable[[Document], None]]
"""A document, and the function that prints it for people."""


@grouped_options()
def evaluate(options: EvalOptions) -> int:
    """Measure how well questions are answered, on your own notes or on a public set.

    Example: ragqa eval --fail-under recall@5=0.9 --report report.html
    """
    from ragqa import render

    mode = options.mode
    options.check()
    targets: list[Any] = []
    show: Callable[[Document], None]
    if mode == "compare":
        from ragqa.evaluation.comparing import compare, read_evaluation
        from ragqa.render.evaluations import print_comparison

        a, b = map(Path, options.compare or ())
        document = compare(read_evaluation(a), read_evaluation(b))
        show = partial(print_comparison, a=a, b=b)
    else:
        from ragqa.evaluation.comparing import parse_target

        targets = [parse_target(text) for text in options.fail_under or []]
        document, show = _measure(options, mode)
    if options.json:
        render.print_document(document)
    else:
        show(document)
    render.print_warnings(document.get("warnings", []))
    if targets:
        from ragqa.evaluation.comparing import check_targets

        check_targets(document, targets)
    return 0


def _measure(options: EvalOptions, mode: str) -> Evaluated:
    """Ask the questions of the user or of a public set; write the report, if one is wanted."""
    from ragqa import render
    from ragqa.evaluation.sets import choose_half, read_questions
    from ragqa.render.evaluations import print_evaluation, print_failures

    settings = options.settings
    chosen = None
    if mode == "questions":
        path = Path(options.questions or QUESTIONS)
        rows = read_questions(path)
        chosen = choose_half(rows, options.half, name=path.stem, limit=options.limit)
    render.show_logged_warnings()
    with render.ProgressLine() as progress:
        if chosen is None:
            document = _measure_set(options, mode, settings, progress)
        else:
            from ragqa.evaluation.evaluating import evaluate_questions

            with _index(options, settings) as index:
                document = evaluate_questions(index, chosen, progress)
    if options.report is not None:
        from ragqa.render.report import report_page
        from ragqa.safe import write_whole

        try:
            write_whole(Path(options.report), report_page(document))
        except OSError as exc:
            raise UsageError(
                f"{options.report} cannot be written: {exc.strerror}", hint="name another file"
            ) from exc
    return document, print_failures if options.failures else print_evaluation


@contextmanager
def _index(options: EvalOptions, settings: dict[str, str]) -> Iterator["Index"]:
    """The user's index, or one of its own for an experiment with these settings."""
    from ragqa.evaluation.evaluating import settings_with

    loaded = settings_with(settings, options.given.flags)
    print_notices(loaded)
    with open_index(loaded) as index:
        yield index


def _measure_set(
    options: EvalOptions, mode: str, settings: dict[str, str], progress: "Progress"
) -> Document:
    from ragqa.evaluation.evaluating import evaluate_beir
    from ragqa.evaluation.sets import read_beir, read_qa

    loaded = load_flags(settings).settings
    folder = Path(options.beir or options.qa or "")
    answers = mode == "qa"
    found = read_qa(folder) if answers else read_beir(folder)
    return evaluate_beir(found, loaded, answers=answers, limit=options.limit, progress=progress)
