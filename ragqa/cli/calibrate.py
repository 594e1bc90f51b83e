"""`ragqa calibrate`: fit confidence on the user's notes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.opening import load, open_index
from ragqa.cli.options import AsJson, Debug, Given, grouped_options
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.evaluation.questions import Question

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

_GENERATED = 200
_SEED = 7


@app.command()
@grouped_options()
def calibrate(
    questions: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Your own questions, in the format of ragqa eval."),
    ] = None,
    generate: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help=f"Without --questions: generate N from the notes. Default: {_GENERATED}.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="The seed of random choices. Default: 7.")
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Go back to the model that ragqa ships.")
    ] = False,
    *,
    given: Given,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Fit the confidence in answers on your own notes.

    Questions of your own refit the whole model; generated questions only set the threshold at
    which a question counts as answered. The result is kept with the index. If the questions are
    divided, the half "tune" is used, so that ragqa eval can measure on the other.

    Example: ragqa calibrate --questions mine.jsonl
    """
    if reset:
        if questions is not None or generate is not None or seed is not None:
            raise UsageError("--reset takes no questions", hint="ragqa calibrate --reset")
        return _reset(given, json=json)
    if questions is not None and generate is not None:
        raise UsageError(
            "--questions and --generate cannot go together",
            hint="generated questions would make confidence worse than your own alone",
        )
    own = None if questions is None else _own(Path(questions))
    return _calibrate(
        own,
        generate or _GENERATED,
        _SEED if seed is None else seed,
        given,
        json=json,
    )


def _own(path: Path) -> "list[Question]":
    from ragqa.evaluation.questions import choose_half, read_questions

    questions = read_questions(path)
    divided = any(question.half for question in questions)
    return choose_half(questions, "tune" if divided else "all")[0]


def _calibrate(
    own: "list[Question] | None",
    generate: int,
    seed: int,
    given: Given,
    *,
    json: bool,
) -> int:
    from ragqa import render
    from ragqa.evaluation.calibrating import calibrate
    from ragqa.render import calibrations

    with open_index(load(given)) as index, render.ProgressLine() as progress:
        document = calibrate(index, own, generate=generate, seed=seed, progress=progress)
    if json:
        render.print_document(document)
    else:
        calibrations.print_calibration(document)
    render.print_warnings(document["warnings"])
    return 0


def _reset(given: Given, *, json: bool) -> int:
    from ragqa import render
    from ragqa.evaluation.calibrating import reset
    from ragqa.render import calibrations

    with open_index(load(given)) as index:
        removed = reset(index)
    if json:
        render.print_document({"removed": removed, "calibration": "shipped"})
    else:
        calibrations.print_reset(removed=removed)
    return 0
