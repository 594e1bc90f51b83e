"""The result of checking a saved answer, for the terminal and as a JSON document."""

from collections import Counter

from rich.console import Console
from rich.text import Text

from ragqa.render.documents import Document
from ragqa.render.results import Linker
from ragqa.render.screen import emit, stdout
from ragqa.sanitise import safe_line, safe_text
from ragqa.types import Checked, Place, Standing, Verification
from ragqa.verifying import differences

NOTHING_TO_CHECK = "This answer has no citations: there is nothing to check."

_STYLES = {
    Standing.INTACT: "good",
    Standing.MOVED: "good",
    Standing.CHANGED: "warning",
    Standing.GONE: "error",
}
_INDENT = 3


def print_verification(verification: Verification, linker: Linker) -> None:
    """Print the status of each citation, with a diff for changed ones."""
    console = stdout()
    emit(console, Text(safe_line(verification.question), style="bold"))
    if not verification.checked:
        emit(console, Text(NOTHING_TO_CHECK))
        return
    for checked in verification.checked:
        _print_checked(console, checked, linker)
    counts = Counter(checked.standing for checked in verification.checked)
    summary = ", ".join(
        f"{counts[standing]} {standing}" for standing in Standing if counts[standing]
    )
    emit(console, Text(f"\n{summary}", style="quiet"))


def verification_document(verification: Verification) -> Document:
    """What `ragqa verify --json` prints."""
    return {
        "question": verification.question,
        "sound": verification.is_sound,
        "citations": [_checked(checked) for checked in verification.checked],
        "warnings": list(verification.warnings),
    }


def _print_checked(console: Console, checked: Checked, linker: Linker) -> None:
    citation, place = checked.citation, checked.place
    line = Text.assemble(
        (f"{citation.n:>2} ", "number"),
        (f"{checked.standing:<7} ", _STYLES[checked.standing]),
        linker.place(place.path, place.lines) if place else (safe_line(citation.path), "path"),
    )
    if place and checked.standing is not Standing.INTACT:
        line.append(f"  was at {linker.place(citation.path, citation.lines).plain}", style="quiet")
        line.append(", wrapped differently" if checked.is_rewrapped else "", style="quiet")
    emit(console, line, hang=_INDENT)
    if checked.reason:
        emit(console, Text(safe_line(checked.reason), style="warning"), indent=_INDENT)
    if checked.standing is Standing.CHANGED and place is not None:
        if place.header and citation.context:
            emit(console, _difference(citation.context, place.header), indent=_INDENT)
        emit(console, _difference(citation.quote, place.text), indent=_INDENT)
    else:
        emit(console, Text(_flat(citation.quote)), indent=_INDENT)
    if checked.elsewhere is not None:
        there = linker.place(checked.elsewhere.path, checked.elsewhere.lines)
        emit(console, Text.assemble("the old words are now in ", there), indent=_INDENT)


def _difference(old: str, new: str) -> Text:
    """A word diff, `[-removed-]` and `{+added+}`, readable without colours."""
    text = Text()
    for piece in differences(old, new):
        if piece.is_same:
            text.append(safe_text(piece.added))
            continue
        if piece.removed:
            text.append(f"[-{safe_text(piece.removed.strip())}-]", style="error").append(" ")
        if piece.added:
            text.append(f"{{+{safe_text(piece.added.strip())}+}}", style="good").append(" ")
    text.rstrip()
    return text


def _flat(quote: str) -> str:
    return safe_text(" ".join(quote.split()))


def _checked(checked: Checked) -> Document:
    citation = checked.citation
    return {
        "n": citation.n,
        "status": checked.standing.value,
        "path": citation.path,
        "lines": list(citation.lines),
        "chars": list(citation.chars),
        "quote": citation.quote,
        **({"context": citation.context} if citation.context else {}),
        "now": _place(checked.place),
        "rewrapped": checked.is_rewrapped,
        "elsewhere": _place(checked.elsewhere),
        "reason": checked.reason,
    }


def _place(place: Place | None) -> Document | None:
    if place is None:
        return None
    return {
        "path": place.path,
        "lines": list(place.lines),
        "chars": list(place.chars),
        "text": place.text,
        **({"context": place.header} if place.header else {}),
    }
