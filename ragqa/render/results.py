"""Answers, hits and index reports on the terminal: the answer first, then linked sources."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from rich.console import Console
from rich.style import Style
from rich.text import Text

from ragqa.answering import citable_units, unit_text
from ragqa.render.excerpts import print_excerpt
from ragqa.render.screen import READABLE, emit, stdout
from ragqa.sanitise import safe_line, safe_text
from ragqa.text.words import WORD, index_terms, query_terms
from ragqa.types import (
    Answer,
    Citation,
    Correction,
    Disagreement,
    Hit,
    IndexReport,
    Passage,
    SearchResult,
    Skipped,
    Span,
    counted,
)

UNSURE = "Not sure that this is an answer; this comes nearest:"
CLOSE = "Close, but not in these sources: "
NOT_MENTIONED = "The nearest passages do not mention: "
NOT_IN_NOTES = "Your notes do not seem to answer this."
FORCED = "The LLM was asked anyway."
OWN_WORDS = "In your notes' own words:"
CITED = r"(?<!\S)\[\d+\](?!\S)"
"""A citation in the text of an answer."""

DISAGREE = {
    "number": "Your notes disagree on a figure:",
    "date": "Your notes disagree on a date:",
    "negation": "Your notes disagree: one says no.",
    "word": "Your notes disagree: they say the opposite.",
}
"""The line that announces a disagreement, by its subject."""


_SNIPPET_CHARS = 220
_INDENT = 3


class Linker:
    """Links to notes in the corpus, in the user's link format."""

    def __init__(self, corpus: Path, link_format: str) -> None:
        self._corpus = corpus
        self._format = link_format

    def place(self, path: str, lines: tuple[int, int]) -> Text:
        """Return `path:lines` as a hyperlink."""
        target = quote(str(self._corpus / path).encode("utf-8", "surrogateescape"), safe="/")
        url = self._format.replace("{path}", target).replace("{line}", str(lines[0]))
        first, last = lines
        shown = f"{first}" if first == last else f"{first}-{last}"
        text = Text(f"{safe_line(path)}:{shown}", style="path")
        text.stylize(Style(link=safe_line(url)))
        return text


def print_answer(answer: Answer, linker: Linker) -> None:
    """Print the answer with its sources, or the nearest passages if there is no answer.

    On a terminal, each excerpt is drawn once, below its source. Elsewhere the answer is plain
    text, followed by a line for each source. The sources of an LLM's answer are quoted.
    """
    console = stdout()
    print_corrected(console, answer.corrected)
    written = answer.written
    if written is not None and written.grounded:
        from ragqa.render.writing import print_written

        print_written(console, answer, written)
    else:
        if written is not None and written.sentences and console.is_terminal:
            emit(console, Text(f"\n{OWN_WORDS}", style="bold"))
        if not answer.answered:
            _print_nearest(console, answer, linker)
            return
        if not answer.sure:
            emit(console, Text(unsure_line(answer), style="warning"))
        written = None
        if console.is_terminal:
            _print_excerpts(console, answer.citations, linker)
        else:
            emit(console, Text(safe_text(answer.text)))
    for disagreement in answer.disagreements:
        _print_disagreement(console, disagreement, linker)
    if written is not None or not console.is_terminal:
        emit(console, Text("\nSources", style="bold"))
        print_sources(console, answer, linker, quoted=written is not None)
    _print_confidence(console, answer)


def _print_nearest(console: Console, answer: Answer, linker: Linker) -> None:
    """Say that the notes do not answer, and list the nearest passages."""
    emit(console, Text(NOT_IN_NOTES, style="bold"))
    if answer.missing:
        emit(console, Text(missing_line(answer), style="quiet"))
    if answer.info.skipped:
        emit(console, Text(skipped_line(answer.info.skipped), style="quiet"))
    _print_confidence(console, answer)
    if answer.hits:
        emit(console, Text("\nNearest passages", style="bold"))
        _print_hits(console, answer.looked_for, answer.hits, linker)


def skipped_line(skipped: Sequence[Skipped]) -> str:
    """How many notes were skipped, which may be why the notes do not answer."""
    were = "was" if len(skipped) == 1 else "were"
    return f"{counted(len(skipped), 'note')} {were} skipped: ragqa status says why."


def verdict_line(answer: Answer) -> str:
    """The warning below an LLM's answer if the notes do not fully answer, else ""; sanitised."""
    if not answer.answered:
        return f"{NOT_IN_NOTES} {FORCED}"
    return unsure_line(answer) if answer.missing else ""


def unsure_line(answer: Answer) -> str:
    """The line above excerpts that are not a sure answer; sanitised."""
    return f"{CLOSE}{_named(answer)}." if answer.missing else UNSURE


def missing_line(answer: Answer) -> str:
    """The question words that the nearest passages lack, "" if none; sanitised."""
    return f"{NOT_MENTIONED}{_named(answer)}." if answer.missing else ""


def _named(answer: Answer) -> str:
    return safe_line(", ".join(answer.missing))


def print_search(result: SearchResult, linker: Linker) -> None:
    """Print ranked passages."""
    console = stdout()
    print_corrected(console, result.corrected)
    if not result.hits:
        emit(console, Text("No passage matches.", style="bold"))
        return
    _print_hits(console, result.looked_for, result.hits, linker)


def print_corrected(console: Console, corrected: Sequence[Correction]) -> None:
    """Print the words whose spelling was corrected, if any."""
    if corrected:
        emit(console, Text(corrected_line(corrected), style="quiet"))


def corrected_line(corrected: Sequence[Correction]) -> str:
    """A sentence that names the corrected words; sanitised."""
    pairs = [f"{one.read} instead of {one.typed}" for one in corrected]
    return safe_line(f"Looked for {', and '.join(pairs)}.")


def print_report(report: IndexReport, where: str) -> None:
    """Print what `ragqa index` did, and where the index is."""
    console = stdout()
    info = report.info
    counts = (
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged"
    )
    emit(
        console,
        Text(
            f"{counted(info.notes, 'note')}, {counted(info.passages, 'passage')}: {counts} "
            f"({report.seconds:.1f} s)"
        ),
    )
    emit(console, Text(f"Index: {safe_line(where)}", style="quiet"))
    if report.skipped:
        emit(console, Text(f"Skipped: {len(report.skipped)}", style="warning"))
        for skip in report.skipped:
            emit(console, Text(f"{safe_line(skip.path)}: {safe_line(skip.reason)}"), indent=2)


def date_of(citation: Citation) -> str:
    """The date of a citation's note, and ", old" if it is; "" without a date; sanitised."""
    return safe_line(citation.note_date) + (", old" if citation.old else "")


def _print_disagreement(console: Console, disagreement: Disagreement, linker: Linker) -> None:
    """Print the two statements that disagree, each with its date and its place."""
    emit(console, Text(f"\n{DISAGREE[disagreement.about]}", style="warning"))
    statements = zip(disagreement.citations, disagreement.texts, disagreement.spans, strict=True)
    for citation, statement, span in statements:
        when = _date(citation) if citation.note_date else Text("no date", style="quiet")
        place = Text.assemble(when, "  ", linker.place(citation.path, citation.lines))
        print_place(console, place, citation.heading)
        text = Text(safe_text(statement))
        _mark(text, statement, span, "differs")
        emit(console, text, indent=2 * _INDENT)


def _date(citation: Citation) -> Text:
    """The date of a citation's note, as a warning if it is old."""
    return Text(date_of(citation), style="warning" if citation.old else "quiet")


def _print_excerpts(console: Console, citations: Sequence[Citation], linker: Linker) -> None:
    """Draw each quote below its source."""
    for n, citation in enumerate(citations):
        if n:
            console.print()
        _print_cited(console, citation, linker)
        print_excerpt(console, citation)


def print_sources(console: Console, answer: Answer, linker: Linker, *, quoted: bool) -> None:
    """Print the place of each citation.

    :param quoted: also print the quote as the note's source has it. Text that a rendered note
        hides, such as an image's alternative text, is shown because an LLM may have used it.
    """
    for citation in answer.citations:
        _print_cited(console, citation, linker)
        if quoted and citation.context:
            emit(console, Text(safe_line(citation.context), style="quiet"), indent=_INDENT)
        if quoted:
            emit(console, marked(citation.quote, answer.looked_for), indent=_INDENT)


def _print_cited(console: Console, citation: Citation, linker: Linker) -> None:
    """Print the place of a citation, with the date of its note."""
    place = linker.place(citation.path, citation.lines)
    if citation.note_date:
        place = Text.assemble(place, "  ", _date(citation))
    print_place(console, place, citation.heading, n=citation.n)


def _print_hits(console: Console, question: str, hits: Sequence[Hit], linker: Linker) -> None:
    for n, hit in enumerate(hits, start=1):
        passage = hit.passage
        print_place(console, linker.place(passage.path, passage.lines), passage.heading, n=n)
        emit(console, marked(_snippet(passage, question), question), indent=_INDENT)


def print_place(console: Console, place: Text, heading: Sequence[str], n: int = 0) -> None:
    """Print a place with its headings, after its number if it has one."""
    text = Text.assemble((f"{n:>2} " if n else _INDENT * " ", "number"), place)
    trail = Text(safe_line(" \u203a ".join(heading)), style="heading")
    if trail and text.cell_len + 2 + trail.cell_len > min(console.width, READABLE):
        emit(console, text, hang=_INDENT)
        emit(console, trail, indent=_INDENT)
    else:
        emit(console, Text.assemble(text, "  ", trail) if trail else text, hang=_INDENT)


def _print_confidence(console: Console, answer: Answer) -> None:
    line = f"\nConfidence that your notes answer this: {answer.confidence:.2f}"
    emit(console, Text(line, style="quiet"))


def marked(quote_text: str, question: str) -> Text:
    """Return the sanitised text with the question's words highlighted."""
    text = Text(safe_text(quote_text))
    wanted = set(query_terms(question))
    for match in WORD.finditer(text.plain):
        if wanted.intersection(index_terms(match[0])):
            text.stylize("match", *match.span())
    return text


def _flat(text: str) -> str:
    return " ".join(text.split())


def _mark(text: Text, unsafe: str, span: Span, style: str) -> None:
    """Style a span, given in the text before sanitising, of its sanitised form."""
    start, end = (len(safe_text(unsafe[:at])) for at in span)
    text.stylize(style, start, end)


def _snippet(passage: Passage, question: str) -> str:
    """The unit of the passage with the most question words, on one line."""
    wanted = set(query_terms(question))
    best, most = "", -1
    for unit in citable_units(passage):
        cut = passage.quote(unit)
        shared = len(wanted.intersection(index_terms(cut)))
        if shared > most:
            best = unit_text(passage, unit)
            most = shared
    flat = _flat(best or passage.text)
    return flat if len(flat) <= _SNIPPET_CHARS else flat[: _SNIPPET_CHARS - 1].rstrip() + "\u2026"
