"""`ragqa eval`: measure retrieval, answers and confidence; gate, report."""

from collections.abc import Mapping
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
Half = Annotated[
    str | None,
    typer.Option(
        metavar="tune|test|all", help="Which half, if the questions are divided. Default: test."
    ),
]
BeirSet = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="A BEIR set: corpus.jsonl, queries.jsonl and qrels/test.tsv."),
]
QASet = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="A BEIR set with answers.jsonl, to measure answers as well."),
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
    half: Half = None,
    beir: BeirSet = None,
    qa: QASet = None,
    limit: Limit = None,
    fail_under: FailUnder = None,
    report: Report = None,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """Measure how well questions are answered, on your own notes or on a public set.

    Example: ragqa eval --fail-under recall@5=0.9 --report report.html
    """
    from ragqa.evaluation import summary
    from ragqa.render import evaluations

    own = {"--questions": questions, "--half": half, "--corpus": corpus, "--index": index}
    _check_alone("--beir" if beir else "", own)
    _check_alone("--qa" if qa else "", {"--beir": beir, **own})
    targets = [summary.parse_target(text) for text in fail_under or []]
    _check_report(report)
    if beir or qa:
        document = _measure_set(beir, qa, limit)
    else:
        document = _measure(Path(questions or QUESTIONS), half, load(corpus, index), limit)
    if report is not None:
        write_file(report, evaluations.report_page(document))
    finish(
        document, lambda: evaluations.print_evaluation(document),
        json=json, warnings=document.get("warnings", ()),
    )  # fmt: skip
    if targets:
        summary.check_targets(document, targets)
    return 0


def _check_alone(chosen: str, others: Mapping[str, object]) -> None:
    """Check that no other option is given beside the chosen one, "" if that is not given.

    :raises UsageError: another is.
    """
    for other, value in others.items():
        if chosen and value:
            raise UsageError(f"{chosen} and {other} cannot go together", hint="ragqa eval --help")


def _check_report(report: str | None) -> None:
    """Reject a wrong name before the work starts.

    :raises UsageError: it is no HTML page in a folder that there is.
    """
    if report is not None:
        if not report.lower().endswith((".html", ".htm")):
            raise UsageError(f"the report is an HTML page, so {report} must end in .html")
        if not Path(report).absolute().parent.is_dir():
            raise UsageError(f"the folder of the report {report} does not exist")


def _measure(path: Path, half: str | None, loaded: "Loaded", limit: int | None) -> Document:
    from ragqa.evaluation.evaluating import evaluate_questions
    from ragqa.evaluation.sets import choose_half, read_questions
    from ragqa.render import ProgressLine

    rows, asked = choose_half(read_questions(path), half)
    with ProgressLine() as progress, open_index(loaded) as index:
        return evaluate_questions(index, rows, progress, name=path.stem, half=asked, limit=limit)


def _measure_set(beir: str | None, qa: str | None, limit: int | None) -> Document:
    from ragqa.evaluation.evaluating import evaluate_beir
    from ragqa.evaluation.sets import read_beir
    from ragqa.render import ProgressLine, show_logged_warnings

    show_logged_warnings()
    loaded = load().settings
    beir_set = read_beir(Path(qa or beir or ""), answers=bool(qa))
    with ProgressLine() as progress:
        return evaluate_beir(beir_set, loaded, answers=bool(qa), limit=limit, progress=progress)
