"""`ragqa eval`: measure retrieval, answers and confidence; compare, gate, report, generate."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ragqa.cli.eval_options import (
    BeirFolder,
    ChunkingFolder,
    Compare,
    FailUnder,
    Failures,
    FollowUps,
    Generate,
    Grounding,
    Half,
    HoldOut,
    Limit,
    Out,
    Overrides,
    QaFolder,
    Questions,
    Report,
    Seed,
)
from ragqa.cli.evaluate_parts import (
    OwnQuestions,
    evaluate_follow_ups,
    evaluate_grounding,
    evaluate_own,
    read_own,
)
from ragqa.cli.opening import load, load_flags, open_index
from ragqa.cli.options import AsJson, Debug, Given, grouped_options
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.types import Progress

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

_SEED = 7


@app.command(name="eval")
@grouped_options()
def evaluate(
    ctx: typer.Context,
    questions: Questions = None,
    half: Half = None,
    beir: BeirFolder = None,
    qa: QaFolder = None,
    chunking: ChunkingFolder = None,
    follow_ups: FollowUps = None,
    grounding: Grounding = None,
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
    *,
    given: Given,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Measure how well questions are answered, on your own notes or on a public set.

    Example: ragqa eval --fail-under recall@5=0.9 --report report.html
    """
    mode = _mode(_given(ctx.params))
    _check_half(half)
    if compare is not None:
        return _compare(*map(Path, compare), json=json)
    if grounding is not None:
        return evaluate_grounding(Path(grounding), half, limit, _settings(overrides), json=json)
    if generate is not None and out is not None:
        return _generate(generate, Path(out), seed, given, json=json)
    if follow_ups is not None:
        return evaluate_follow_ups(
            Path(follow_ups), half, limit, _settings(overrides), given, json=json
        )
    request = _Request(
        mode=mode,
        folder=beir or qa or chunking,
        questions=questions,
        half=half,
        hold_out=hold_out,
        seed=seed,
        limit=limit,
        settings=_settings(overrides),
        given=given,
    )
    return _evaluate(request, fail_under or [], failures=failures, report=report, json=json)


@dataclass(frozen=True, slots=True)
class _Request:
    """What to evaluate, as given; `folder` holds a public set."""

    mode: str
    folder: str | None
    questions: str | None
    half: str | None
    hold_out: float | None
    seed: int
    limit: int | None
    settings: dict[str, str]
    given: Given


_MEASURING = {"--limit", "--set", "--fail-under", "--failures", "--report"}
_PLACES = {"--corpus", "--index", "--store", "--store-uri"}
_MODES = {
    "--compare": set[str](),
    "--generate": {"--out", *_PLACES},
    "--grounding": {"--half", "--limit", "--set"},
    "--beir": _MEASURING,
    "--qa": {*_MEASURING, "--hold-out"},
    "--chunking": _MEASURING,
    "--follow-ups": {"--half", "--limit", "--set", *_PLACES},
    "--questions": {*_MEASURING, "--half", *_PLACES},
}
"""The options that go with each mode; the last mode is the default."""


def _given(parameters: dict[str, Any]) -> set[str]:
    """The options given that depend on the mode."""
    names = {name for name, value in parameters.items() if value not in (None, False, ())}
    dependent = names - {"seed", "json", "debug"}
    return {f"--{name.replace('_', '-').replace('overrides', 'set')}" for name in dependent}


def _mode(given: set[str]) -> str:
    """Return the mode, without dashes.

    :raises UsageError: the options do not go together.
    """
    chosen = next((mode for mode in _MODES if mode in given), "--questions")
    for other in sorted(given - {chosen} - _MODES[chosen]):
        needs = [mode for mode, allowed in _MODES.items() if other in allowed]
        hint = f"{other} goes with {', '.join(needs)}" if needs else "ragqa eval --help"
        raise UsageError(f"{chosen} and {other} cannot go together", hint=hint)
    if chosen == "--generate" and "--out" not in given:
        raise UsageError("--generate needs a file", hint="ragqa eval --generate 100 --out FILE")
    return chosen.removeprefix("--")


def _settings(given: list[str] | None) -> dict[str, str]:
    from ragqa.config.settings import setting_named
    from ragqa.evaluation.evaluating import MEASURED

    settings = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or setting_named(name, "the command").name not in MEASURED:
            raise UsageError(
                f"--set takes NAME=VALUE with NAME one of {', '.join(MEASURED)}, not {text!r}",
                hint="ragqa eval --set passage_tokens=150",
            )
        settings[name] = value
    return settings


def _evaluate(
    request: _Request, fail_under: list[str], *, failures: bool, report: str | None, json: bool
) -> int:
    from ragqa import render
    from ragqa.evaluation.targets import check_measurable, check_targets, parse_target
    from ragqa.render import evaluations, excerpt_scores

    targets = [parse_target(text) for text in fail_under]
    own = read_own(request.questions, request.half) if request.folder is None else None
    check_measurable(targets, own.mode if own else request.mode)
    _check_values(request, report)
    render.show_logged_warnings()
    with render.ProgressLine() as progress:
        document = _measure(request, own, progress)
    if report is not None:
        from ragqa.render.report import report_page

        _write(Path(report), report_page(document))
    if json:
        render.print_document(document)
    elif failures and document["mode"] == "excerpts":
        excerpt_scores.print_failures(document)
    elif failures:
        evaluations.print_failures(document)
    else:
        evaluations.print_evaluation(document)
    render.print_warnings(document["warnings"])
    check_targets(document, targets)
    return 0


def _check_half(half: str | None) -> None:
    if half not in (None, "tune", "test", "all"):
        raise UsageError(f"--half is tune, test or all, not {half!r}")


def _check_values(request: _Request, report: str | None) -> None:
    """Reject wrong values before the work starts."""
    if request.hold_out is not None and not 0 < request.hold_out < 1:
        raise UsageError("--hold-out takes a share between 0 and 1", hint="--hold-out 0.5")
    if report is not None:
        if not report.lower().endswith((".html", ".htm")):
            raise UsageError(f"the report is an HTML page, so {report} must end in .html")
        if not Path(report).absolute().parent.is_dir():
            raise UsageError(f"the folder of the report {report} does not exist")


def _measure(request: _Request, own: OwnQuestions | None, progress: "Progress") -> dict[str, Any]:
    from ragqa.evaluation import evaluating, sets

    if own is not None:
        return evaluate_own(own, request.limit, request.settings, request.given, progress)
    settings = load_flags(request.settings).settings
    folder = Path(str(request.folder))
    if request.mode == "chunking":
        return evaluating.evaluate_chunking(
            folder, settings, limit=request.limit, progress=progress
        )
    answers = request.mode == "qa"
    found = sets.read_qa(folder) if answers else sets.read_beir(folder)
    if request.hold_out is not None:
        found = sets.hold_out(found, request.hold_out, request.seed)
    return evaluating.evaluate_beir(
        found, settings, answers=answers, limit=request.limit, progress=progress
    )


def _compare(a: Path, b: Path, *, json: bool) -> int:
    from ragqa import render
    from ragqa.evaluation.comparing import compare, read_evaluation
    from ragqa.render import evaluations

    document = compare(read_evaluation(a), read_evaluation(b))
    if json:
        render.print_document(document)
    else:
        evaluations.print_comparison(document, a, b)
    return 0


def _generate(count: int, out: Path, seed: int, given: Given, *, json: bool) -> int:
    from ragqa import render
    from ragqa.evaluation.evaluating import read_notes
    from ragqa.evaluation.generating import generate_questions
    from ragqa.evaluation.questions import to_json_lines
    from ragqa.render import evaluations

    with open_index(load(given)) as index, render.ProgressLine() as progress:
        notes, warnings = read_notes(index.source, progress)
        questions = generate_questions(notes, count, seed=seed)
    render.print_warnings(warnings)
    if not questions:
        raise UsageError(
            "the notes hold no headings, definitions, tables, facts or links to ask about"
        )
    _write(out, to_json_lines(questions), new=True)
    kinds = dict(Counter(question.kind for question in questions))
    if json:
        render.print_document({"out": str(out), "questions": len(questions), "kinds": kinds})
    else:
        evaluations.print_generated(out, kinds, asked_for=count)
    return 0


def _write(path: Path, text: str, *, new: bool = False) -> None:
    """Write a file; with `new`, never overwrite an existing one.

    :raises UsageError: the file exists or cannot be written.
    """
    from ragqa.atomic_write import write_whole

    try:
        write_whole(path, text, new=new)
    except FileExistsError as exc:
        raise UsageError(
            f"{path} already exists, and might hold questions written by hand",
            hint="name a new file: --out FILE",
        ) from exc
    except OSError as exc:
        raise UsageError(
            f"{path} cannot be written: {exc.strerror}", hint="name another file"
        ) from exc
