"""What an LLM writes, for people: sentence by sentence as it is checked, each with its mark."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from ragqa.render.progress import ProgressLine
from ragqa.render.results import CITED
from ragqa.render.screen import READABLE, emit, encodable, print_as_is, print_document, say, stdout
from ragqa.sanitise import safe_line, safe_text
from ragqa.types import Written, WrittenSentence
from ragqa.writing import Request, cited_text

_REASONS = 2


class Stream:
    """Prints each sentence on a terminal as soon as it is checked; elsewhere nothing.

    For use in a `with` statement, which ends the last line.
    """

    def __init__(self, progress: ProgressLine) -> None:
        self._progress = progress
        self._flow: _Flow | None = None

    def __call__(self, sentence: WrittenSentence) -> None:
        """Print the next sentence."""
        console = stdout()
        if not console.is_terminal:
            return
        if self._flow is None:
            self._progress.stop()
            self._flow = _Flow(console)
        self._flow.write(_sentence(sentence))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._flow is not None:
            self._flow.end()


class _Flow:
    """Text that is printed as it comes and still wrapped at words."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, READABLE)
        self._column = 0

    def write(self, text: Text) -> None:
        """Print what comes next."""
        for number, line in enumerate(text.split("\n", allow_blank=True)):
            if number:
                self.end()
            for word in line.split(" ", allow_blank=True):
                self._put(encodable(word, self._console.encoding))

    def end(self) -> None:
        """Begin a new line."""
        self._console.print()
        self._column = 0

    def _put(self, word: Text) -> None:
        if self._column and self._column + 1 + word.cell_len > self._width:
            self.end()
        if self._column and word:
            word = Text.assemble(" ", word)
        self._console.print(word, end="", soft_wrap=True)
        self._column += word.cell_len


def print_written(console: Console, written: Written) -> None:
    """Print all that the LLM wrote, each sentence with its numbers and its mark."""
    # On a terminal every sentence has been shown as it came.
    if not console.is_terminal:
        emit(console, Text.assemble(*map(_sentence, written.sentences)))
    emit(console, Text(f"\n{written_by(written)}", style="quiet"))


def plain_text(written: Written) -> str:
    """All that the LLM wrote, each sentence with its numbers and its mark; not sanitised."""
    return "".join(f"{one.lead}{cited_text(one)}{_behind(one)}" for one in written.sentences)


def _sentence(sentence: WrittenSentence) -> Text:
    text = Text(safe_text(f"{sentence.lead}{cited_text(sentence)}"))
    text.highlight_regex(CITED, style="number")
    return text.append(_behind(sentence), style="warning")


def _behind(sentence: WrittenSentence) -> str:
    mark = mark_of(sentence)
    return f" {mark}" if mark else ""


def mark_of(sentence: WrittenSentence) -> str:
    """What is said behind a sentence that its sources do not support, else ""; sanitised."""
    if sentence.supported:
        return ""
    if not sentence.citations:
        return "(no source)"
    against = safe_line(", ".join(sentence.against[:_REASONS]))
    return f"(not supported: {against})" if against else "(not supported)"


def written_by(written: Written) -> str:
    """Who wrote the answer, from how much, and how much of it is supported; sanitised."""
    total = len(written.sentences)
    supported = sum(sentence.supported for sentence in written.sentences)
    by = f"Written by {safe_line(written.backend)} from {written.given} passages"
    said = [f"{by}; {supported} of {total} sentences are supported by their sources."]
    if written.dropped:
        said.append(f"Left out, since their sources do not support them: {written.dropped}.")
    if written.invalid_citations:
        numbers = ", ".join(f"[{n}]" for n in written.invalid_citations)
        said.append(f"Taken out, since no passage has this number: {numbers}.")
    return " ".join(said)


def print_request(request: Request, *, json: bool) -> None:
    """Print what an LLM would be given, to the letter."""
    prompt = request.prompt
    if json:
        print_document(
            {
                "instructions": prompt.instructions,
                "message": prompt.message,
                "tokens": request.tokens,
                "passages": len(request.hits),
                "left_out": request.left_out,
            }
        )
        return
    print_as_is(f"{safe_text(prompt.instructions)}\n{safe_text(prompt.message)}")
    say(f"{len(request.hits)} passages, {request.tokens} tokens; nothing was sent.")
