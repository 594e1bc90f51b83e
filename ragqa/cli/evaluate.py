"""`ragqa eval`: measure retrieval, answers and confidence; compare, gate, report, generate."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragqa.cli.options import AsJson, Corpus, Debug, IndexFolder
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.types import Progress

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

QUESTIONS = "eval/questions.jsonl"
_SEED = 7

Questions = Annotated[
    str | None,
    typer.Option(metavar="FILE", help=f"Questions about the notes. Default: {QUESTIONS}."),
]
Half = Annotated[
    str | None,
    typer.Option(
        metavar="tune|test|all", help="Which questions, where they are divided. Default: test."
    ),
]
BeirFolder = Annotated[
    str | None,
    typer.Option(
        metavar="DIR", help="A set with corpus.jsonl, queries.jsonl and qrels/test.tsv instead."
    ),
]
QaFolder = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="The same with answers.jsonl: answers are measured, too."),
]
ChunkingFolder = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="A set with docs/ and questions.jsonl with gold spans."),
]
HoldOut = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", help="With --qa, leave out this share of the documents that answer."
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="For --hold-out and --generate.")]
Limit = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Only the first N questions, for a look.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Measure with another setting."),
]
FailUnder = Annotated[
    list[str] | None,
    typer.Option(metavar="MEASURE=X", help="Exit with 1 where a measure is lower: recall@5=0.9."),
]
Failures = Annotated[
    bool, typer.Option("--failures", help="Show each missed question, and what lost it.")
]
Report = Annotated[
    str | None, typer.Option(metavar="FILE.html", help="Write all of it as one page.")
]
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option(metavar="A.json B.json", help="Compare two evaluations made with --json."),
]
Generate = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Make N questions from the notes, without an LLM."),
]
Out = Annotated[
    str | None, typer.Option(metavar="FILE", help="Where --generate writes; a new file.")
]


@app.command(name="eval")
def evaluate(
    questions: Questions = None,
    half: Half = None,
    beir: BeirFolder = None,
    qa: QaFolder = None,
    chunking: ChunkingFolder = None,
    hold_out: HoldOut = None,
    seed: Seed = _SEED,
    limit: Limit = None,
    overrides: Overrides = None,
    fail_under: FailUnder = None,
    failures: Failures = False,
    report: Report = None,
    compare: Compare = None,
    generate: Generate = None,
    out: Out = None,
    corpus: Corpus = None,
    index: IndexFolder = None,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Measure how well questions are answered: on your own notes, or on a public set.

    Example: ragqa eval --fail-under recall@5=0.9 --report report.html
    """
    modes = {
        "--questions": questions,
        "--beir": beir,
        "--qa": qa,
        "--chunking": chunking,
        "--compare": compare,
        "--generate": generate,
    }
    _check_options(modes, hold_out=hold_out, half=half, out=out, report=report)
    if compare is not None:
        return _compare(*map(Path, compare), json=json)
    if generate is not None and out is not None:
        return _generate(generate, Path(out), seed, _Places(corpus, index), json=json)
    places, settings = _Places(corpus, index), _settings(overrides)
    wanted = _Wanted(questions, half, beir, qa, chunking, hold_out, seed, limit, settings, places)
    return _evaluate(wanted, fail_under or [], failures=failures, report=report, json=json)


@dataclass(frozen=True, slots=True)
class _Places:
    corpus: str | None
    index: str | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to evaluate, as given."""

    questions: str | None
    half: str | None
    beir: str | None
    qa: str | None
    chunking: str | None
    hold_out: float | None
    seed: int
    limit: int | None
    settings: dict[str, str]
    places: _Places


def _check_options(
    modes: dict[str, Any],
    *,
    hold_out: float | None,
    half: str | None,
    out: str | None,
    report: str | None,
) -> None:
    given = [name for name, value in modes.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} cannot go together", hint="ragqa eval --help")
    if hold_out is not None and (modes["--qa"] is None or not 0 < hold_out < 1):
        raise UsageError(
            "--hold-out takes a share between 0 and 1, and goes with --qa",
            hint="ragqa eval --qa DIR --hold-out 0.5",
        )
    if half not in (None, "tune", "test", "all"):
        raise UsageError(f"--half is tune, test or all, not {half!r}")
    if (modes["--generate"] is None) != (out is None):
        raise UsageError(
            "--generate and --out go together", hint="ragqa eval --generate 100 --out FILE"
        )
    if report is not None and not report.lower().endswith((".html", ".htm")):
        raise UsageError(f"the report is a page: {report} must end in .html")


def _settings(given: list[str] | None) -> dict[str, str]:
    from ragqa.config.settings import setting_named

    settings = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or name in ("corpus", "index"):
            raise UsageError(
                f"--set takes NAME=VALUE with the name of a setting, not {text!r}",
                hint="ragqa eval --set passage_tokens=150",
            )
        settings[setting_named(name, "the command").name] = value
    return settings


def _evaluate(
    wanted: _Wanted, fail_under: list[str], *, failures: bool, report: str | None, json: bool
) -> int:
    from ragqa import render
    from ragqa.evaluation.targets import check_targets, parse_target

    targets = [parse_target(text) for text in fail_under]
    render.show_logged_warnings()
    with render.ProgressLine() as progress:
        document = _measure(wanted, progress)
    if report is not None:
        from ragqa.render.report import report_page

        _write(Path(report), report_page(document))
    if json:
        render.print_document(document)
    elif failures:
        render.print_failures(document)
    else:
        render.print_evaluation(document)
    render.print_warnings(document["warnings"])
    check_targets(document, targets)
    return 0


def _measure(wanted: _Wanted, progress: "Progress") -> dict[str, Any]:
    from ragqa.config import load_settings
    from ragqa.evaluation import evaluating, sets

    if wanted.beir is None and wanted.qa is None and wanted.chunking is None:
        return _measure_questions(wanted, progress)
    settings = load_settings(dict(wanted.settings)).settings
    if wanted.chunking is not None:
        folder = Path(wanted.chunking)
        return evaluating.evaluate_chunking(folder, settings, limit=wanted.limit, progress=progress)
    if wanted.qa is not None:
        found = sets.read_qa(Path(wanted.qa))
        if wanted.hold_out is not None:
            found = sets.hold_out(found, wanted.hold_out, wanted.seed)
    else:
        found = sets.read_beir(Path(wanted.beir or ""))
    return evaluating.evaluate_beir(
        found, settings, answers=wanted.qa is not None, limit=wanted.limit, progress=progress
    )


def _measure_questions(wanted: _Wanted, progress: "Progress") -> dict[str, Any]:
    from ragqa.evaluation.evaluating import evaluate_questions, index_with
    from ragqa.evaluation.questions import read_questions

    path = Path(wanted.questions or QUESTIONS)
    questions = read_questions(path)
    half = wanted.half or ("test" if all(question.half for question in questions) else "all")
    with index_with(wanted.settings, wanted.places.corpus, wanted.places.index) as index:
        return evaluate_questions(
            index,
            questions,
            name=path.stem,
            half="" if half == "all" else half,
            limit=wanted.limit,
            progress=progress,
        )


def _compare(a: Path, b: Path, *, json: bool) -> int:
    from ragqa import render
    from ragqa.evaluation.comparing import compare, read_evaluation

    document = compare(read_evaluation(a), read_evaluation(b))
    if json:
        render.print_document(document)
    else:
        render.print_comparison(document, a, b)
    return 0


def _generate(count: int, out: Path, seed: int, places: _Places, *, json: bool) -> int:
    from ragqa import render
    from ragqa.api import open_index
    from ragqa.evaluation.evaluating import read_notes
    from ragqa.evaluation.generating import generate_questions
    from ragqa.evaluation.questions import to_json_lines

    if out.exists():
        raise UsageError(
            f"{out} is there already, and might hold questions written by hand",
            hint="name a new file: --out FILE",
        )
    with open_index(places.corpus, index=places.index) as index, render.ProgressLine() as progress:
        notes = read_notes(index.source, progress)
        questions = generate_questions(notes, count, seed=seed)
    if not questions:
        raise UsageError(
            "the notes hold no headings, definitions, tables, facts or links to ask about"
        )
    _write(out, to_json_lines(questions))
    kinds: dict[str, int] = {}
    for question in questions:
        kinds[question.kind] = kinds.get(question.kind, 0) + 1
    if json:
        render.print_document({"out": str(out), "questions": len(questions), "kinds": kinds})
    else:
        render.print_generated(out, kinds, asked_for=count)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise UsageError(
            f"{path} cannot be written: {exc.strerror}", hint="name another file"
        ) from exc
