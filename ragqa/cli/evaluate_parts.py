"""The parts of `ragqa eval` for the user's questions, follow-ups and the support check."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.cli.eval_options import QUESTIONS
from ragqa.cli.opening import load_flags, open_index, print_notices
from ragqa.cli.options import Given

if TYPE_CHECKING:
    from ragqa.evaluation.questions import Question
    from ragqa.types import Progress


@dataclass(frozen=True, slots=True)
class OwnQuestions:
    """The user's questions, with the name of their file and the chosen half."""

    name: str
    half: str
    questions: "list[Question]"

    @property
    def mode(self) -> str:
        """The mode of the evaluation: "excerpts" or "questions"."""
        return "excerpts" if self.questions[0].excerpts else "questions"


def read_own(file: str | None, half: str | None) -> OwnQuestions:
    """Read the user's questions, by default those of the project.

    :raises UsageError: the file cannot be read, or has no such half.
    """
    from ragqa.evaluation.questions import choose_half, read_questions

    path = Path(file or QUESTIONS)
    questions, half = choose_half(read_questions(path), half)
    return OwnQuestions(path.stem, half, questions)


def evaluate_own(
    own: OwnQuestions,
    limit: int | None,
    settings: dict[str, str],
    given: Given,
    progress: "Progress",
) -> dict[str, Any]:
    """Evaluate the questions with these settings, and return the document."""
    from ragqa.evaluation.evaluating import evaluate_questions, settings_with
    from ragqa.evaluation.quoting import evaluate_excerpts

    evaluate = evaluate_excerpts if own.mode == "excerpts" else evaluate_questions
    loaded = settings_with(settings, given.flags)
    print_notices(loaded)
    with open_index(loaded) as index:
        return evaluate(
            index, own.questions, name=own.name, half=own.half, limit=limit, progress=progress
        )


def evaluate_follow_ups(
    path: Path,
    half: str | None,
    limit: int | None,
    settings: dict[str, str],
    given: Given,
    *,
    json: bool,
) -> int:
    """Measure how well follow-up questions are understood; return the exit code."""
    from ragqa import render
    from ragqa.evaluation import follow_ups
    from ragqa.evaluation.evaluating import settings_with
    from ragqa.evaluation.questions import choose_half
    from ragqa.render.follow_ups import print_follow_ups

    dialogs, half = choose_half(follow_ups.read_follow_ups(path), half)
    render.show_logged_warnings()
    loaded = settings_with(settings, given.flags)
    print_notices(loaded)
    with open_index(loaded) as index, render.ProgressLine() as progress:
        document = follow_ups.evaluate_follow_ups(
            index, dialogs, name=path.stem, half=half, limit=limit, progress=progress
        )
    if json:
        render.print_document(document)
    else:
        print_follow_ups(document)
    render.print_warnings(document["warnings"])
    return 0


def evaluate_grounding(
    path: Path, half: str | None, limit: int | None, settings: dict[str, str], *, json: bool
) -> int:
    """Measure how well the support check works; return the exit code."""
    from ragqa import render
    from ragqa.evaluation import grounding
    from ragqa.evaluation.questions import choose_half
    from ragqa.render.groundings import print_grounding

    loaded = load_flags(settings).settings
    rows = grounding.read_grounding(path)
    chosen, named = choose_half(rows, half, what="sentence")
    with render.ProgressLine() as progress:
        document = grounding.evaluate_grounding(
            chosen[:limit], rows, loaded, name=path.stem, half=named, progress=progress
        )
    if json:
        render.print_document(document)
    else:
        print_grounding(document)
    return 0
