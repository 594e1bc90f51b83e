"""`ragqa calibrate`: fit confidence on the user's notes."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.opening import load, open_index
from ragqa.cli.options import AsJson, PlaceOptions, grouped_options
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.evaluation.questions import Question

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

_GENERATED = 200
_SEED = 7


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """The options of `ragqa calibrate` as given."""

    questions: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Your own questions, in the format of ragqa eval."),
    ] = None
    generate: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help=f"Without --questions: generate N from the notes. Default: {_GENERATED}.",
        ),
    ] = None
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="The seed of random choices. Default: 7.")
    ] = None
    reset: Annotated[
        bool, typer.Option("--reset", help="Go back to the model that ragqa ships.")
    ] = False
    given: PlaceOptions = PlaceOptions()  # noqa: RUF009 - frozen
    json: AsJson = False

    def check(self) -> None:
        """Reject options that contradict each other.

        :raises UsageError: they do.
        """
        if self.reset and (self.questions, self.generate, self.seed) != (None, None, None):
            raise UsageError("--reset takes no questions", hint="ragqa calibrate --reset")
        if self.questions is not None and self.generate is not None:
            raise UsageError(
                "--questions and --generate cannot go together",
                hint="generated questions would make confidence worse than your own alone",
            )


@grouped_options()
def calibrate(options: CalibrateOptions) -> int:
    """Fit the confidence in answers on your own notes.

    Questions of your own refit the whole model; generated questions only set the threshold at
    which a question counts as answered. The result is kept with the index. If the questions are
    divided, the half "tune" is used, so that ragqa eval can measure on the other.

    Example: ragqa calibrate --questions mine.jsonl
    """
    from ragqa import render
    from ragqa.evaluation import calibrating
    from ragqa.render import calibrations

    options.check()
    if options.reset:
        with open_index(load(options.given)) as index:
            removed = calibrating.reset(index)
        if options.json:
            render.print_document({"removed": removed, "calibration": "shipped"})
        else:
            calibrations.print_reset(removed=removed)
        return 0
    own = None if options.questions is None else _own(Path(options.questions))
    with open_index(load(options.given)) as index, render.ProgressLine() as progress:
        document = calibrating.calibrate(
            index,
            own,
            generate=options.generate or _GENERATED,
            seed=_SEED if options.seed is None else options.seed,
            progress=progress,
        )
    if options.json:
        render.print_document(document)
    else:
        calibrations.print_calibration(document)
    render.print_warnings(document["warnings"])
    return 0


def _own(path: Path) -> "Sequence[Question]":
    from ragqa.evaluation.questions import choose_half, read_questions

    questions = read_questions(path)
    divided = any(question.half for question in questions)
    return choose_half(questions, "tune" if divided else "all", name=path.stem).rows
