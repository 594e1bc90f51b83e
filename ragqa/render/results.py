"""Answers, passages, notes and index reports on the terminal; places are links."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from rich.style import Style
from rich.text import Text

from ragqa.answering.candidates import nearest_unit
from ragqa.languages import ENGLISH
from ragqa.lookup import reference_to
from ragqa.notes.formats import fragment
from ragqa.render import (
    READABLE,
    Document,
    ProgressLine,
    emit,
    print_as_is,
    put,
    put_heading,
    put_labelled,
    say,
    stdout,
    view,
)
from ragqa.render.excerpts import print_excerpt, quoted_words
from ragqa.safe import safe_line, safe_text
from ragqa.text.dates import date_shown
from ragqa.text.words import WORD, index_terms, query_terms
from ragqa.types import (
    Answer,
    Citation,
    Corpus,
    Correction,
    Hit,
    Passage,
    SearchResult,
    Written,
    WrittenSentence,
    counted,
)

if TYPE_CHECKING:
    from ragqa.lookup import NotePart
    from ragqa.related import RelatedNotes

_SNIPPET_CHARS = 220
_WORDS = re.compile("\n+|(?<! ) *(?P<word>[^ \n]+)")
_INDENT = 3


@dataclass(frozen=True, slots=True)
class Linker:
    """Links to notes in the corpus, in the user's link format."""

    corpus: Corpus
    link_format: str

    def place(self, path: str, lines: tuple[int, int], locator: str = "") -> Text:
        """Return a place as a hyperlink; one in no folder of the corpus as plain text."""
        text = Text(safe_line(reference_to(path, lines, locator)), style="path")
        with suppress(FileNotFoundError):
            file = str(self.corpus.file(path)).encode("utf-8", "surrogateescape")
            url = self.link_format.replace("{path}", quote(file, safe="/"))
            url = url.replace("{line}", str(lines[0]))
            url += fragment(locator) if url.startswith("file:") else ""
            text.stylize(Style(link=safe_line(url)))
        if context := self.corpus.context(path):
            text.append(f" ({safe_line(context)})", style="quiet")
        return text

    def cited(self, citation: Citation) -> Text:
        """Return the place of a citation as a hyperlink."""
        return self.place(citation.path, citation.lines, citation.locator)


def print_answer(answer: Answer, linker: Linker, more: str = "") -> None:
    """Print the answer or the nearest passages; `more` is the command for more excerpts."""
    print_corrected(answer.corrected)
    written = answer.written
    if written is not None and written.is_answer:
        _print_written(answer, written)
        _print_earlier(answer, linker)
        put_heading("Sources")
        _print_sources(answer, linker)
    else:
        if written is not None and written.sentences and stdout().is_terminal:
            put_heading("In your notes' own words:")
        if trust := view.trust_line(answer):
            put(trust, "warning" if answer.answered else "bold")
        if not answer.answered:
            if answer.hits:
                put_heading("Nearest passages")
                _print_hits(answer.looked_for, answer.hits, linker)
            return
        _print_excerpts(answer.citations, linker)
        _print_earlier(answer, linker)
    _print_offered(answer, linker, more)


@contextmanager
def streaming(progress: ProgressLine) -> Iterator[Callable[[WrittenSentence], None]]:
    """What prints each checked sentence of an LLM, on a terminal only, wrapped between words."""
    console, column = stdout(), 0

    def show(sentence: WrittenSentence) -> None:
        nonlocal column
        if not console.is_terminal:
            return
        progress.stop()
        text = _sentence(sentence)
        width = min(console.width, READABLE)
        for match in _WORDS.finditer(text.plain):
            piece = text[match.start() : match.end()]
            if piece.plain.startswith("\n"):
                column = 0
            elif column and column + piece.cell_len > width:
                word = text[match.start("word") : match.end()]
                piece, column = Text("\n") + word, word.cell_len
            else:
                column += piece.cell_len
            console.print(piece, end="", soft_wrap=True)

    try:
        yield show
    finally:
        if column:
            console.print()


def _print_written(answer: Answer, written: Written) -> None:
    """Print an LLM's answer: each sentence with its citations, and what they lack."""
    # On a terminal, `streaming` has already printed the sentences.
    if not stdout().is_terminal:
        put(Text.assemble(*map(_sentence, written.sentences)))
    put()
    if trust := view.trust_line(answer):
        put(trust, "warning")
    put(view.written_by(written), "quiet")


def _sentence(sentence: WrittenSentence) -> Text:
    said = ((f"[{p}]", "number") if isinstance(p, int) else safe_text(p) for p in sentence.cited)
    return Text.assemble(safe_text(sentence.lead), *said, (view.source_mark(sentence), "warning"))


def _print_earlier(answer: Answer, linker: Linker) -> None:
    """Print each statement of another date, on two lines at most: date, place and words."""
    if answer.earlier:
        put_heading(view.history_title(answer))
    for citation in answer.earlier:
        when = f"{_INDENT * ' '}{safe_line(citation.date)}  "
        line = Text.assemble((when, "quiet"), linker.cited(citation))
        most = 2 * min(stdout().width, READABLE) - len(when)
        put(_with_words(line, citation, most), hang=len(when))


def _with_words(line: Text, citation: Citation, most: int) -> Text:
    """A line, and after it the words of a citation as far as they fit in so many columns."""
    most = max(most, line.cell_len)
    line.append(f"  {safe_line(quoted_words(citation))}", "quiet")
    line.truncate(most, overflow="ellipsis")
    return line


def _print_offered(answer: Answer, linker: Linker, more: str) -> None:
    """Print a line for each further excerpt, cut to fit; under reserve each whole."""
    if not answer.also:
        return
    put_heading("Further excerpts")
    if not answer.sure:
        _print_excerpts(answer.also, linker)
    for citation in answer.also if answer.sure else ():
        place = _dated(linker.cited(citation), citation)
        line = Text.assemble((f"{citation.n:>2} ", "number"), place)
        put(_with_words(line, citation, min(stdout().width, READABLE)))
    if more and (answer.sure or answer.has_more):
        put(f"{more} shows {'them whole' if answer.sure else 'the next ones'}", "quiet")


def print_further(answer: Answer, linker: Linker) -> None:
    """Print the further excerpts of an answer whole, below its question."""
    put(answer.question, "quiet")
    put()
    _print_excerpts(answer.also, linker)
    if not answer.also:
        put("There are no further excerpts.", "bold")


def print_search(result: SearchResult, linker: Linker) -> None:
    """Print ranked passages."""
    print_corrected(result.corrected)
    _print_hits(result.looked_for, result.hits, linker)
    if not result.hits:
        put("No passage matches.", "bold")


def print_corrected(corrected: Sequence[Correction]) -> None:
    """Print the words whose spelling was corrected, if any."""
    if corrected:
        put(view.corrected_line(corrected), "quiet")


def _dated(place: Text, source: Citation | Passage) -> Text:
    """A place with the date of its note, if it has one, which is a warning if it is old."""
    style = "warning" if getattr(source, "old", False) else "quiet"
    when = date_shown(source)
    return Text.assemble(place, "  ", (when, style)) if when else place


def _print_excerpts(citations: Sequence[Citation], linker: Linker) -> None:
    """Draw each quote below its source."""
    for n, citation in enumerate(citations):
        if n:
            put()
        _print_cited(citation, linker)
        print_excerpt(stdout(), citation)


def _print_sources(answer: Answer, linker: Linker) -> None:
    """Print the place and the source of each citation: an LLM may have used what a note hides."""
    languages = {hit.passage.path: hit.passage.language for hit in answer.hits}
    for citation in answer.citations:
        _print_cited(citation, linker)
        if citation.context:
            put(citation.context, "quiet", indent=_INDENT)
        language = languages.get(citation.path, ENGLISH)
        put(_marked(citation.quote, answer.looked_for, language), indent=_INDENT)


def _print_cited(citation: Citation, linker: Linker) -> None:
    """Print the place of a citation, with the date of its note."""
    _print_place(_dated(linker.cited(citation), citation), citation.heading, n=citation.n)


def print_whole_sources(answer: Answer, linker: Linker) -> None:
    """Print the sources of an answer with their quotes, or the nearest passages, in full."""
    if answer.citations:
        _print_sources(answer, linker)
    else:
        _print_hits(answer.looked_for, answer.hits, linker, whole=True)


def _print_hits(question: str, hits: Sequence[Hit], linker: Linker, *, whole: bool = False) -> None:
    """Print each passage, `whole` or the unit of it that is nearest to the question, cut."""
    for n, hit in enumerate(hits, start=1):
        passage = hit.passage
        place = linker.place(passage.path, passage.lines, hit.locator)
        _print_place(_dated(place, passage), passage.heading, n=n)
        text = passage.text if whole else nearest_unit(passage, question)
        if not whole and len(text) > _SNIPPET_CHARS:
            text = f"{text[: _SNIPPET_CHARS - 1].rstrip()}\u2026"
        put(_marked(text, question, passage.language), indent=_INDENT)


def _print_place(place: Text, heading: Sequence[str], n: int) -> None:
    """Print a place with its headings, after its number."""
    text = Text.assemble((f"{n:>2} ", "number"), place)
    trail = Text(safe_line(view.BELOW.join(heading)), style="heading")
    if trail and text.cell_len + 2 + trail.cell_len > min(stdout().width, READABLE):
        put(text, hang=_INDENT)
        put(trail, indent=_INDENT)
    else:
        put(Text.assemble(text, "  ", trail) if trail else text, hang=_INDENT)


def _marked(quote_text: str, question: str, language: str) -> Text:
    """Return the sanitised text, in this language, with the question's words highlighted."""
    text = Text(safe_text(quote_text))
    wanted = set(query_terms(question, (language,)))
    for match in WORD.finditer(text.plain):
        if wanted.intersection(index_terms(match[0], language)):
            text.stylize("match", *match.span())
    return text


def print_part(part: "NotePart", linker: Linker, *, numbered: bool | None = None) -> None:
    """Print the text; if `numbered`, or on a terminal, with where it is and what is beside it."""
    console = stdout()
    if not (console.is_terminal if numbered is None else numbered):
        emit(console, Text(safe_text(part.text.strip("\n"))))
        return
    head = Text.assemble(linker.place(part.note.path, part.lines, part.locator))
    for about in (part.note.date, view.BELOW.join(part.heading) or part.note.title):
        if about:
            head.append(f"  {safe_line(about)}", style="quiet")
    emit(console, head)
    width = max(5, *map(len, part.margin))
    for beside, line in zip(part.margin, part.text.split("\n"), strict=True):
        label = f"{safe_line(beside):>{width}} "
        emit(console, Text.assemble((label, "quiet"), safe_text(line)), hang=len(label))


def print_related(result: "RelatedNotes", linker: Linker) -> None:
    """Print the notes near a note, each with the reasons."""
    if not result.related:
        put(f"No note is near {result.note.path}.", "bold")
    for n, near in enumerate(result.related, start=1):
        _print_place(linker.place(near.note.path, (1, 1)), [near.note.title], n=n)
        put("; ".join(near.why), "quiet", indent=3)


def print_request(request: Document) -> None:
    """Print exactly what an LLM would be sent, and where, as `--show-prompt --json` has it."""
    print_as_is(f"{safe_text(request['instructions'])}\n{safe_text(request['message'])}")
    passages, tokens = counted(request["passages"], "passage"), counted(request["tokens"], "token")
    parts = [f"{passages}, {tokens}; nothing was sent."]
    if where := request["would_go_to"]:
        parts.append(f"It would go to {where}.")
    if not request["would_be_asked"]:
        parts.append(
            "Your notes do not seem to answer this, so the LLM would be asked only with --force."
        )
    say(" ".join(parts))


def print_commands(commands: Mapping[str, str]) -> None:
    """Print the commands of a chat, each with its description."""
    width = max(map(len, commands))
    for name, description in commands.items():
        put_labelled(f"{name:<{width}}  ", "", description)
