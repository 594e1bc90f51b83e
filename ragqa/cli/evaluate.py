"""`ragqa eval`: measure retrieval, answers and confidence; compare, gate, report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragqa.cli.opening import load_flags, open_index, print_notices
from ragqa.cli.options import AsJson, PlaceOptions
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.types import Progress


QUESTIONS = "eval/questions.jsonl"

Document = dict[str, Any]
Evaluated = tuple[Document, Callable[[Document], None]]
"""A document, and the function that prints it for people."""


@dataclass(frozen=True, slots=True)
class EvalOptions(PlaceOptions):
    """The options of `ragqa eval` as given."""

    questions: Annotated[
        str | None,
        typer.Option(metavar="FILE", help=f"Questions about the notes. Default: {QUESTIONS}."),
    ] = None
    half: Annotated[
        str | None,
        typer.Option(
            metavar="tune|test|all", help="Which half, if the questions are divided. Default: test."
        ),
    ] = None
    beir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="A BEIR set: corpus.jsonl, queries.jsonl and qrels/test.tsv."
        ),
    ] = None
    qa: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="A BEIR set with answers.jsonl, to measure answers as well."
        ),
    ] = None
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Use only the first N questions.")
    ] = None
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Measure with another value of a setting."
        ),
    ] = None
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MEASURE=X", help="Exit with 1 if a measure is lower, such as recall@5=0.9."
        ),
    ] = None
    report: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.html",
            help="Write the evaluation and each missed question as one HTML page.",
        ),
    ] = None
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A.json B.json", help="Compare two evaluations made with --json."),
    ] = None
    json: AsJson = False

    @property
    def mode(self) -> str:
        """The option that says what to evaluate, without dashes; "questions" if none does.

        :raises UsageError: the options do not go together.
        """
        given = self._given()
        chosen = next((mode for mode in _MODES if mode in given), "--questions")
        for other in sorted(given - {chosen} - _MODES[chosen]):
            needs = [mode for mode, allowed in _MODES.items() if other in allowed]
            hint = f"{other} goes with {', '.join(needs)}" if needs else "ragqa eval --help"
            raise UsageError(f"{chosen} and {other} cannot go together", hint=hint)
        return chosen.removeprefix("--")

    def _given(self) -> set[str]:
        """The options given that depend on the mode."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        names = {name for name, value in values.items() if value not in (None, False, (), [])}
        return {
            f"--{name.replace('_', '-').replace('overrides', 'set')}" for name in names - {"json"}
        }

    def check(self) -> None:
        """Reject wrong values before the work starts.

        :raises UsageError: a value is wrong.
        """
        if self.half not in (None, "tune", "test", "all"):
            raise UsageError(f"--half is tune, test or all, not {self.half!r}")
        if self.report is not None:
            if not self.report.lower().endswith((".html", ".htm")):
                raise UsageError(f"the report is an HTML page, so {self.report} must end in .html")
            if not Path(self.report).absolute().parent.is_dir():
                raise UsageError(f"the folder of the report {self.report} does not exist")

    @property
    def settings(self) -> dict[str, str]:
        """The values given by `--set`, by setting.

        :raises UsageError: one is not NAME=VALUE, or does not affect an evaluation.
        """
        from ragqa.config.settings import setting_named
        from ragqa.evaluation.summary import MEASURED

        settings = {}
        for text in self.overrides or []:
            name, equals, value = text.partition("=")
            if not equals or setting_named(name, "the command").name not in MEASURED:
                raise UsageError(
                    f"--set takes NAME=VALUE with NAME one of {', '.join(MEASURED)}, not {text!r}",
                    hint="ragqa eval --set passage_tokens=150",
                )
            settings[name] = value
        return settings


_MEASURING = {"--limit", "--set", "--fail-under", "--report"}
_PLACES = {"--corpus", "--index", "--store", "--store-uri"}
_MODES = {
    "--compare": set[str](),
    "--beir": _MEASURING,
    "--qa": _MEASURING,
    "--questions": {*_MEASURING, "--half", *_PLACES},
}
"""The options that go with each mode; the last mode is the default."""


def evaluate(options: Annotated[EvalOptions, typer.Option(parser=EvalOptions)]) -> int:
    """Measure how well questions are answered, on your own notes or on a public set.

    Example: ragqa eval --fail-under recall@5=0.9 --report report.html
    """
    from ragqa import render

    mode = options.mode
    options.check()
    targets: list[Any] = []
    show: Callable[[Document], None]
    if mode == "compare":
        from ragqa.evaluation.summary import compare, read_evaluation
        from ragqa.render.evaluations import print_comparison

        a, b = map(Path, options.compare or ())
        document = compare(read_evaluation(a), read_evaluation(b))
        show = partial(print_comparison, a=a, b=b)
    else:
        from ragqa.evaluation.summary import parse_target

        targets = [parse_target(text) for text in options.fail_under or []]
        document, show = _measure(options, mode)
    if options.json:
        render.print_document(document)
    else:
        show(document)
    render.print_warnings(document.get("warnings", []))
    if targets:
        from ragqa.evaluation.summary import check_targets

        check_targets(document, targets)
    return 0


def _measure(options: EvalOptions, mode: str) -> Evaluated:
    """Ask the questions of the user or of a public set; write the report, if one is wanted."""
    from ragqa import render
    from ragqa.evaluation.sets import choose_half, read_questions
    from ragqa.render.evaluations import print_evaluation

    settings = options.settings
    path = Path(options.questions or QUESTIONS)
    is_own = mode == "questions"
    rows, half = choose_half(read_questions(path), options.half) if is_own else ([], "")
    render.show_logged_warnings()
    with render.ProgressLine() as progress:
        if not is_own:
            document = _measure_set(options, mode, settings, progress)
        else:
            from ragqa.evaluation.evaluating import evaluate_questions

            with _index(options, settings) as index:
                document = evaluate_questions(
                    index, rows, progress, name=path.stem, half=half, limit=options.limit
                )
    if options.report is not None:
        from ragqa.render.evaluations import report_page
        from ragqa.safe import write_whole

        try:
            write_whole(Path(options.report), report_page(document))
        except OSError as exc:
            raise UsageError(
                f"{options.report} cannot be written: {exc.strerror}", hint="name another file"
            ) from exc
    return document, print_evaluation


@contextmanager
def _index(options: EvalOptions, settings: dict[str, str]) -> Iterator["Index"]:
    """The user's index, or one of its own for an experiment with these settings."""
    from ragqa.evaluation.evaluating import settings_with

    loaded = settings_with(settings, options.flags)
    print_notices(loaded)
    with open_index(loaded) as index:
        yield index


def _measure_set(
    options: EvalOptions, mode: str, settings: dict[str, str], progress: "Progress"
) -> Document:
    from ragqa.evaluation.evaluating import evaluate_beir
    from ragqa.evaluation.sets import read_beir

    loaded = load_flags(settings).settings
    folder = Path(options.beir or options.qa or "")
    answers = mode == "qa"
    found = read_beir(folder, answers=answers)
    return evaluate_beir(found, loaded, answers=answers, limit=options.limit, progress=progress)
