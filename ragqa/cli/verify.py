"""`ragqa verify`: check a saved answer against the current notes."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ragqa.cli.opening import load
from ragqa.cli.options import AsJson, Folders
from ragqa.errors import UsageError


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
    from ragqa.render import verifications
    from ragqa.render.results import Linker
    from ragqa.verifying.checking import verify as verify_answer
    from ragqa.verifying.saved import read_saved

    loaded = load(corpus)
    named = "standard input" if answer == "-" else answer
    try:
        with sys.stdin.buffer if answer == "-" else Path(answer).open("rb") as file:
            saved = read_saved(file, named)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(f"{named} cannot be read: {reason}", hint="ragqa verify --help") from exc
    with render.ProgressLine() as progress:
        verification = verify_answer(
            saved,
            loaded.places.corpus,
            max_note_bytes=loaded.settings.max_note_bytes,
            formats=loaded.settings.formats,
            progress=progress,
        )
    if json:
        render.print_document(verifications.verification_document(verification))
    else:
        linker = Linker(loaded.places.corpus, loaded.settings.link_format)
        verifications.print_verification(verification, linker)
    render.print_warnings(verification.warnings)
    return 0 if verification.is_sound else 1
