"""The options of `ragqa eval`, and which of them go together."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from ragqa.cli.options import AsJson, PlaceOptions
from ragqa.errors import UsageError

QUESTIONS = "eval/questions.jsonl"


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
    failures: Annotated[
        bool,
        typer.Option("--failures", help="Show each missed question and the stage that lost it."),
    ] = False
    report: Annotated[
        str | None,
        typer.Option(metavar="FILE.html", help="Write the evaluation as one HTML page."),
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


_MEASURING = {"--limit", "--set", "--fail-under", "--failures", "--report"}
_PLACES = {"--corpus", "--index", "--store", "--store-uri"}
_MODES = {
    "--compare": set[str](),
    "--beir": _MEASURING,
    "--qa": _MEASURING,
    "--questions": {*_MEASURING, "--half", *_PLACES},
}
"""The options that go with each mode; the last mode is the default."""
