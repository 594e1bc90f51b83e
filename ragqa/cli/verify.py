"""`ragqa verify`: check a saved answer against the current notes."""

import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from ragqa.cli.opening import load_flags
from ragqa.cli.options import AsJson, Folders, PlaceOptions
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.verifying.saved import SavedAnswer


def verify(
    answer: Annotated[
        str,
        typer.Argument(
            metavar="ANSWER",
            help="A file saved from ask --json or ask --format markdown; - reads standard input.",
        ),
    ],
    corpus: Folders = None,
    json: AsJson = False,
) -> int:
    """Check whether the notes still say what a saved answer quotes.

    Each citation is intact, moved (the same words elsewhere), changed (with the difference) or
    gone. Exits with 0 if all are intact or moved, else with 1. Needs no index and writes
    nothing.

    Example: ragqa verify answer.json
    """
    from ragqa import render
    from ragqa.render import explanations
    from ragqa.render.results import Linker
    from ragqa.verifying.checking import verify as verify_answer

    loaded = load_flags(PlaceOptions(corpus).flags)
    saved = _read(answer)
    with render.ProgressLine() as progress:
        verification = verify_answer(
            saved,
            loaded.places.corpus,
            max_note_bytes=loaded.settings.max_note_bytes,
            formats=loaded.settings.formats,
            progress=progress,
        )
    if json:
        render.print_document(explanations.verification_document(verification))
    else:
        linker = Linker(loaded.places.corpus, loaded.settings.link_format)
        explanations.print_verification(verification, linker)
    render.print_warnings(verification.warnings)
    return 0 if verification.is_sound else 1


def _read(name: str) -> "SavedAnswer":
    from ragqa.verifying.saved import read_saved

    try:
        with _open(name) as file:
            return read_saved(file, "standard input" if name == "-" else name)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(f"{name} cannot be read: {reason}", hint="ragqa verify --help") from exc


def _open(name: str) -> BinaryIO:
    if name != "-":
        return Path(name).open("rb")
    return sys.stdin.buffer if sys.stdin else BytesIO()
