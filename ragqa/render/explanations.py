"""Why a note is or is not in an answer, and what has become of the citations of a saved one."""

import re
from collections import Counter
from itertools import groupby

from rapidfuzz.distance import Indel
from rich.text import Text

from ragqa.lookup import reference_to
from ragqa.render import put, put_heading
from ragqa.render.results import Linker, print_corrected
from ragqa.safe import safe_line, safe_text
from ragqa.saved import NOWHERE, Checked, Standing, Verification
from ragqa.text.words import UNSPACED
from ragqa.types import counted
from ragqa.why import Explanation

MAX_COMPARED = 20_000
"""Two texts of which one has more words are shown whole, without a word diff."""

_TOKEN = re.compile(rf"(?:~~|[{UNSPACED}]|(?:(?!~~)[^\s{UNSPACED}])+)\s*|\s+")


def print_explanation(explanation: Explanation, linker: Linker) -> None:
    """Print the verdict, the note's ranks and its best sentence."""
    print_corrected(explanation.corrected)
    put(verdict_line(explanation), "bold")
    if ranks := ranks_line(explanation):
        put(ranks)
    if sentence := explanation.sentence:
        put(Text("Best sentence: ").append_text(linker.cited(sentence)))
        put(" ".join(sentence.quote.split()), indent=2)


def verdict_line(explanation: Explanation) -> str:
    """Whether the note is in the answer, and else where it was lost."""
    target = explanation.target
    place = reference_to(target.path, target.lines, target.locator) if target.lines else target.path
    return f"{place}: {explanation.verdict}"


def ranks_line(explanation: Explanation) -> str:
    """The ranks of the note's best passage, "" where it has none."""
    ranks = explanation.by_meaning, explanation.by_words, explanation.by_both
    if not any(ranks):
        return ""
    meaning, words, both = (rank or "-" for rank in ranks)
    of = counted(explanation.info.passages, "passage")
    return f"Rank {meaning} by meaning, {words} by words, {both} by both, of {of}."


_STYLES = {
    Standing.INTACT: "good",
    Standing.MOVED: "good",
    Standing.CHANGED: "warning",
    Standing.GONE: "error",
}


def print_verification(verification: Verification, linker: Linker) -> None:
    """Print the status of each citation, with a diff for changed ones."""
    if verification.question:
        put(verification.question, "bold")
    if not verification.checked:
        put("This answer has no citations: there is nothing to check.")
        return
    for checked in verification.checked:
        _print_checked(checked, linker)
    counts = Counter(checked.standing for checked in verification.checked)
    put_heading(", ".join(f"{counts[s]} {s}" for s in Standing if counts[s]), "quiet")


def _print_checked(checked: Checked, linker: Linker) -> None:
    citation, place = checked.citation, checked.place
    known = citation.lines != NOWHERE or citation.locator
    was = linker.place(citation.path, citation.lines, citation.locator).plain if known else ""
    now = Text(was or safe_line(citation.path), "path")
    if place:
        now = linker.place(place.path, place.lines, place.locator)
    line = Text.assemble(
        (f"{citation.n:>2} ", "number"), (f"{checked.standing:<7} ", _STYLES[checked.standing]), now
    )
    has_moved = was and now.plain != was and checked.standing is not Standing.INTACT
    line.append(f"  was at {was}" if has_moved else "", style="quiet")
    line.append(", wrapped differently" if checked.is_rewrapped else "", style="quiet")
    put(line, hang=3)
    if checked.reason:
        put(checked.reason, "warning", indent=3)
    if checked.standing is Standing.CHANGED and place is not None:
        if place.context and citation.context:
            put(_difference(citation.context, place.context), indent=3)
        put(_difference(citation.quote, place.text), indent=3)
    else:
        put(" ".join(citation.quote.split()), indent=3)


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


def differences(old: str, new: str) -> list[tuple[str, str]]:
    """A word diff of two texts: pairs of a text removed and its replacement, or of equal texts."""
    a, b = (_TOKEN.findall(" ".join(text.split()) + " ") for text in (old, new))
    if max(len(a), len(b)) > MAX_COMPARED:
        return [(old, new)]
    # A word before `~~` equals the same word before a space.
    bare_a, bare_b = ([token.rstrip() for token in tokens] for tokens in (a, b))
    pieces = []
    for _, same in groupby(Indel.opcodes(bare_a, bare_b), lambda step: step.tag == "equal"):
        steps = list(same)
        removed = a[steps[0].src_start : steps[-1].src_end]
        added = b[steps[0].dest_start : steps[-1].dest_end]
        pieces.append(("".join(removed), "".join(added)))
    return pieces
