"""The result of checking a saved answer, for the terminal and as a JSON document."""

from collections import Counter

from rich.text import Text

from ragqa.render import put, put_heading
from ragqa.render.documents import Document, Json
from ragqa.render.results import Linker
from ragqa.safe import safe_text
from ragqa.types import Span
from ragqa.verifying.checking import Checked, Standing, Verification
from ragqa.verifying.current_notes import differences

_STYLES = {
    Standing.INTACT: "good",
    Standing.MOVED: "good",
    Standing.CHANGED: "warning",
    Standing.EXTRACTED: "warning",
    Standing.GONE: "error",
}
_INDENT = 3


class _Place(Json):
    path: str
    lines: Span
    chars: Span
    text: str
    context: str = ""
    locator: str = ""


class _Checked(Json, kw_only=True):
    n: int
    status: Standing
    path: str
    lines: Span
    chars: Span
    quote: str
    context: str = ""
    now: _Place | None
    rewrapped: bool
    reason: str


class JsonVerification(Json):
    """What `ragqa verify --json` prints."""

    question: str
    sound: bool
    citations: list[_Checked]
    warnings: tuple[str, ...]


def print_verification(verification: Verification, linker: Linker) -> None:
    """Print the status of each citation, with a diff for changed ones."""
    put(verification.question, "bold")
    if not verification.checked:
        put("This answer has no citations: there is nothing to check.")
        return
    for checked in verification.checked:
        _print_checked(checked, linker)
    counts = Counter(checked.standing for checked in verification.checked)
    put_heading(", ".join(f"{counts[one]} {one}" for one in Standing if counts[one]), "quiet")


def verification_document(verification: Verification) -> Document:
    """What `ragqa verify --json` prints."""
    checked = [
        _Checked.document(
            one.citation,
            status=one.standing,
            now=one.place and _Place.document(one.place, context=one.place.header),
            rewrapped=one.is_rewrapped,
            reason=one.reason,
        )
        for one in verification.checked
    ]
    return JsonVerification.document(verification, sound=verification.is_sound, citations=checked)


def _print_checked(checked: Checked, linker: Linker) -> None:
    citation, place = checked.citation, checked.place
    was = linker.place(citation.path, citation.lines, citation.locator).plain
    now = linker.place(place.path, place.lines, place.locator) if place else Text(was, "path")
    line = Text.assemble(
        (f"{citation.n:>2} ", "number"), (f"{checked.standing:<7} ", _STYLES[checked.standing]), now
    )
    line.append(f"  was at {was}" if now.plain != was else "", style="quiet")
    line.append(", wrapped differently" if checked.is_rewrapped else "", style="quiet")
    put(line, hang=_INDENT)
    if checked.reason:
        put(checked.reason, "warning", indent=_INDENT)
    if checked.standing in (Standing.CHANGED, Standing.EXTRACTED) and place is not None:
        if place.header and citation.context:
            put(_difference(citation.context, place.header), indent=_INDENT)
        put(_difference(citation.quote, place.text), indent=_INDENT)
    else:
        put(" ".join(citation.quote.split()), indent=_INDENT)


def _difference(old: str, new: str) -> Text:
    """A word diff, `[-removed-]` and `{+added+}`, readable without colours."""
    text = Text()
    for removed, added in differences(old, new):
        if removed.split() == added.split():
            text.append(safe_text(added))
            continue
        if removed:
            text.append(f"[-{safe_text(removed.strip())}-]", style="error").append(" ")
        if added:
            text.append(f"{{+{safe_text(added.strip())}+}}", style="good").append(" ")
    text.rstrip()
    return text
