"""Sentences about an answer that the terminal and Markdown share; all but `address` sanitised."""

from collections.abc import Sequence

from ragqa.sanitise import safe_line
from ragqa.types import Answer, Citation, Correction

NOT_IN_NOTES = "Your notes do not seem to answer this."
CITED = r"\[\d+\]"
"""A citation in the text of an answer; what is no citation has spaces within the brackets."""

DISAGREE = {
    "number": "Your notes disagree on a figure:",
    "date": "Your notes disagree on a date:",
    "negation": "Your notes disagree: one says no.",
}
"""The line that announces a disagreement, by its subject."""


def address(path: str, lines: tuple[int, int], locator: str = "") -> str:
    """A place in a note as `path:first-last`, `path:line` or `path, locator`; not sanitised."""
    if locator:
        return f"{path}, {locator}"
    first, last = lines
    return f"{path}:{first}" if first == last else f"{path}:{first}-{last}"


def verdict_line(answer: Answer) -> str:
    """The warning below an LLM's answer if the notes do not fully answer, else ""."""
    if not answer.answered:
        return f"{NOT_IN_NOTES} The LLM was asked anyway."
    return unsure_line(answer) if answer.missing else ""


def unsure_line(answer: Answer) -> str:
    """The line above excerpts that are not a sure answer."""
    if answer.missing:
        return f"Close, but not in these sources: {_missing(answer)}."
    return "Not sure that this is an answer; this comes nearest:"


def missing_line(answer: Answer) -> str:
    """The question words that the nearest passages lack, "" if none."""
    if not answer.missing:
        return ""
    return f"The nearest passages do not mention: {_missing(answer)}."


def _missing(answer: Answer) -> str:
    return safe_line(", ".join(answer.missing))


def corrected_line(corrected: Sequence[Correction]) -> str:
    """A sentence that names the corrected words."""
    pairs = [f"{one.read} instead of {one.typed}" for one in corrected]
    return safe_line(f"Looked for {', and '.join(pairs)}.")


def date_of(citation: Citation) -> str:
    """The date of a citation's note, and ", old" if it is; "" without a date."""
    return safe_line(citation.note_date) + (", old" if citation.old else "")
