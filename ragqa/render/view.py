"""What is said about an answer, in the same words wherever it is shown; sanitised."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragqa.safe import safe_line
from ragqa.types import Answer, Citation, Correction, Passage, Written, WrittenSentence
from ragqa.types.answers import PROBABLE_FROM

if TYPE_CHECKING:
    from jinja2 import Environment

BELOW = " \u203a "
"""Between headings where a person reads them."""


def templates_of(package: str) -> "Environment":
    """The templates in a package's folder: values are escaped, a missing name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def trust_line(answer: Answer) -> str:
    """How far an answer is to be trusted, and what it lacks; "" without reserve."""
    none = safe_line(", ".join(answer.no_note_has))
    aside = f" (no note has: {none})" if none else ""
    is_written = answer.written is not None and answer.written.is_answer
    if not answer.answered:
        asked_anyway = " The LLM was asked anyway." if is_written else ""
        whose = "Nothing read so far seems" if answer.waiting else "Your notes do not seem"
        return f"{whose} to answer this{aside}.{asked_anyway}"
    if is_written:
        return f"No note has: {none}." if none else ""
    if answer.sure:
        return ""
    probable = answer.confidence >= PROBABLE_FROM
    return f"{'Probably' if probable else 'Not sure; nearest'}{aside}:"


def corrected_line(corrected: Sequence[Correction]) -> str:
    """A sentence that names the corrected words, "" for none."""
    if not corrected:
        return ""
    pairs = [f"{correction.read} instead of {correction.typed}" for correction in corrected]
    return safe_line(f"Looked for {', and '.join(pairs)}.")


def labels_of(source: Citation | Passage) -> tuple[str, ...]:
    """The labels of the columns of a table whose rows are quoted without its head."""
    return source.units[0].labels if source.units else ()


def context_line(citation: Citation) -> str:
    """What introduces an excerpt and is not shown with it, without its headings; not sanitised."""
    context = citation.units[0].context if citation.units else citation.context
    context = context.rstrip(": ")
    for depth in range(len(citation.heading)):
        headings = " > ".join(citation.heading[depth:])
        if f"{context}: ".startswith(f"{headings}: "):
            return context[len(headings) + 2 :]
    return context


def history_title(answer: Answer) -> str:
    """The heading above the statements of other dates, "" where there are none."""
    if not answer.earlier:
        return ""
    first, days = answer.citations[0], [citation.date for citation in answer.earlier]
    own = first.date or first.note_date
    return "Later" if own < min(days) else "Earlier" if max(days) <= own else "Earlier and later"


def source_mark(sentence: WrittenSentence) -> str:
    """What the sources of a sentence lack, after a space."""
    return f" ({reason_of(sentence)})" if sentence.is_marked else ""


def reason_of(sentence: WrittenSentence) -> str:
    """What the sources of a sentence lack, or that it has none."""
    if not sentence.citations:
        return "no source"
    its = "source" if len(sentence.citations) == 1 else "sources"
    return safe_line(f"not in its {its}: {', '.join(sentence.lacks)}")


def written_by(written: Written) -> str:
    """Which LLM wrote the answer, from how many passages, and what to look at."""
    total, marked = len(written.claims), sum(sentence.is_marked for sentence in written.claims)
    passages = f"{written.given} passages" if written.given > 1 else "one passage"
    parts = [f"Written by {safe_line(written.backend)} from {passages}."]
    if marked:
        parts.append(f"Sentences marked with what their sources lack: {marked} of {total}.")
    if written.dropped:
        reasons = "; ".join(dict.fromkeys(map(reason_of, written.dropped)))
        parts.append(f"Sentences left out: {len(written.dropped)} ({reasons}).")
    if written.invalid_citations:
        numbers = ", ".join(f"[{n}]" for n in written.invalid_citations)
        parts.append(f"Citations removed because no passage has that number: {numbers}.")
    return " ".join(parts)
