"""`ragqa eval`: measure retrieval, answers and confidence; gate, report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragqa.cli.opening import finish, load, open_index, write_file
from ragqa.cli.options import AsJson, Folders, IndexFolder
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.config import Loaded

QUESTIONS = "eval/questions.jsonl"

Document = dict[str, Any]


Questions = Annotated[
    str | None,
    typer.Option(metavar="FILE", help=f"Questions about the notes. Default: {QUESTIONS}."),
]
Limit = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Use only the first N questions.")
]
FailUnder = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MEASURE=X", help="Exit with 1 if a measure is lower, such as recall@5=0.9."
    ),
]
Report = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.html", help="Write the evaluation and each missed question as one HTML page."
    ),
]


def evaluate(
    questions: Questions = None,
    limit: Limit = None,
    fail_under: FailUnder = None,
    report: Report = None,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """Measure how well questions about your notes are answered.

    Example: ragqa eval --fail-under recall@5=0.9 --report report.html
    """
    from ragqa.evaluation import summary
    from ragqa.render import evaluations

    targets = [summary.parse_target(text) for text in fail_under or []]
    _check_report(report)
    document = _measure(Path(questions or QUESTIONS), load(corpus, index), limit)
    if report is not None:
        write_file(report, evaluations.report_page(document))
    finish(
        document, lambda: evaluations.print_evaluation(document),
        json=json, warnings=document.get("warnings", ()),
    )  # fmt: skip
    if targets:
        summary.check_targets(document, targets)
    return 0


def _check_report(report: str | None) -> None:
    """Reject a wrong name before the work starts.

    :raises UsageError: it is no HTML page in a folder that there is.
    """
    if report is not None:
        if not report.lower().endswith((".html", ".htm")):
            raise UsageError(f"the report is an HTML page, so {report} must end in .html")
        if not Path(report).absolute().parent.is_dir():
            raise UsageError(f"the folder of the report {report} does not exist")


def _measure(path: Path, loaded: "Loaded", limit: int | None) -> Document:
    from ragqa.evaluation.evaluating import evaluate_questions
    from ragqa.evaluation.questions import read_questions
    from ragqa.render import ProgressLine

    rows = read_questions(path)
    with ProgressLine() as progress, open_index(loaded) as index:
        return evaluate_questions(index, rows, progress, name=path.stem, limit=limit)
