"""`ragqa eval`: measure retrieval, answers and confidence; compare, gate, report."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ragqa.cli.opening import load, open_index, warn_of_unknown
from ragqa.cli.options import AsJson, Folders, IndexFolder
from ragqa.errors import UsageError

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
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Measure with another value of a setting."),
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
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option(metavar="A.json B.json", help="Compare two evaluations made with --json."),
]


def evaluate(
    questions: Questions = None,
    half: Half = None,
    beir: BeirSet = None,
    qa: QASet = None,
    limit: Limit = None,
    overrides: Overrides = None,
    fail_under: FailUnder = None,
    report: Report = None,
    compare: Compare = None,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """Measure how well questions are answered, on your own notes or on a public set.

    Example: ragqa eval --fail-under recall@5=0.9 --report report.html
    """
    from ragqa import render
    from ragqa.evaluation import summary
    from ragqa.render import evaluations

    own = {"--questions": questions, "--half": half, "--corpus": corpus, "--index": index}
    measuring = {"--limit": limit, "--set": overrides, "--report": report}
    _check_alone("--beir" if beir else "", own)
    _check_alone("--qa" if qa else "", {"--beir": beir, **own})
    rest = {"--beir": beir, "--qa": qa, "--fail-under": fail_under, **own, **measuring}
    _check_alone("--compare" if compare else "", rest)
    targets = [summary.parse_target(text) for text in fail_under or []]
    show: Callable[[Document], None]
    if compare:
        a, b = map(Path, compare)
        document = summary.compare(summary.read_evaluation(a), summary.read_evaluation(b))
        show = partial(evaluations.print_comparison, a=a, b=b)
    else:
        _check_report(report)
        settings = _settings_in(overrides or [])
        if beir or qa:
            document = _measure_set(beir, qa, settings, limit)
        else:
            places = {"corpus": tuple(corpus) if corpus else None, "index": index}
            document = _measure(Path(questions or QUESTIONS), half, settings, places, limit)
        if report is not None:
            _write_report(report, evaluations.report_page(document))
        show = evaluations.print_evaluation
    if json:
        render.print_document(document)
    else:
        show(document)
    render.print_warnings(document.get("warnings", []))
    if targets:
        summary.check_targets(document, targets)
    return 0


def _check_alone(chosen: str, others: Mapping[str, object]) -> None:
    """Check that none of the other options is given with the chosen one, if it is.

    :raises UsageError: one is.
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


def _write_report(report: str, page: str) -> None:
    from ragqa.safe import write_whole

    try:
        write_whole(Path(report), page)
    except OSError as exc:
        raise UsageError(
            f"{report} cannot be written: {exc.strerror}", hint="name another file"
        ) from exc


def _settings_in(overrides: list[str]) -> dict[str, Any]:
    """The values given by `--set`, by setting.

    :raises UsageError: one is not NAME=VALUE, or does not affect an evaluation.
    """
    from ragqa.config.settings import setting_named
    from ragqa.evaluation.summary import MEASURED

    settings: dict[str, Any] = {}
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals or setting_named(name, "the command").name not in MEASURED:
            raise UsageError(
                f"--set takes NAME=VALUE with NAME one of {', '.join(MEASURED)}, not {text!r}",
                hint="ragqa eval --set passage_tokens=150",
            )
        settings[name] = value
    return settings


def _measure(
    path: Path,
    half: str | None,
    settings: dict[str, Any],
    places: dict[str, Any],
    limit: int | None,
) -> Document:
    """Ask the user's index, or one of its own for an experiment with these settings."""
    from ragqa.evaluation.evaluating import evaluate_questions, settings_with
    from ragqa.evaluation.sets import choose_half, read_questions
    from ragqa.render import ProgressLine

    rows, asked = choose_half(read_questions(path), half)
    loaded = settings_with(settings, places)
    warn_of_unknown(loaded)
    with ProgressLine() as progress, open_index(loaded) as index:
        return evaluate_questions(index, rows, progress, name=path.stem, half=asked, limit=limit)


def _measure_set(
    beir: str | None, qa: str | None, settings: dict[str, Any], limit: int | None
) -> Document:
    from ragqa.evaluation.evaluating import evaluate_beir
    from ragqa.evaluation.sets import read_beir
    from ragqa.render import ProgressLine, show_logged_warnings

    show_logged_warnings()
    loaded = load(**settings).settings
    found = read_beir(Path(qa or beir or ""), answers=bool(qa))
    with ProgressLine() as progress:
        return evaluate_beir(found, loaded, answers=bool(qa), limit=limit, progress=progress)
