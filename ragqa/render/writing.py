"""What an LLM writes, for people: sentence by sentence as it is checked, each with its mark."""

import re
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from ragqa.render.progress import ProgressLine
from ragqa.render.results import CITED, verdict_on
from ragqa.render.screen import READABLE, emit, encodable, print_as_is, print_document, say, stdout
from ragqa.sanitise import safe_line, safe_text
from ragqa.types import Answer, Written, WrittenSentence, counted
from ragqa.writing import Request, cited_text

_REASONS = 2
_WORD = re.compile("(?P<before> *)(?P<word>[^ ]+)")


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
            for found in _WORD.finditer(line.plain):
                word = encodable(line[found.start("word") : found.end()], self._console.encoding)
                self._put(found["before"], word)

    def end(self) -> None:
        """Begin a new line."""
        self._console.print()
        self._column = 0

    def _put(self, before: str, word: Text) -> None:
        if self._column and self._column + len(before) + word.cell_len > self._width:
            self.end()
            before = ""
        self._console.print(Text.assemble(before, word), end="", soft_wrap=True)
        self._column += len(before) + word.cell_len


def print_written(console: Console, answer: Answer, written: Written) -> None:
    """Print all that the LLM wrote, each sentence with its numbers and its mark."""
    # On a terminal every sentence has been shown as it came.
    if not console.is_terminal:
        emit(console, Text.assemble(*map(_sentence, written.sentences)))
    emit(console, Text(""))
    if verdict := verdict_on(answer):
        emit(console, Text(verdict, style="warning"))
    emit(console, Text(written_by(written), style="quiet"))


def written_markdown(written: Written, escaped: Callable[[str], str]) -> str:
    """All that the LLM wrote as Markdown: its lists and code are such, the rest is text.

    :param escaped: makes text that Markdown shows as it is.
    """
    return "".join(_markdown(sentence, escaped) for sentence in written.sentences)


def _markdown(sentence: WrittenSentence, escaped: Callable[[str], str]) -> str:
    lead, mark = sentence.lead.replace("#", ""), escaped(_behind(sentence))
    text = cited_text(sentence)
    if "\n" not in text:
        # A line break alone is none in Markdown.
        lead = "\\\n" if lead.strip(" ") == "\n" else lead
        return f"{lead}{escaped(text)}{mark and ' '}{mark}"
    code, _, numbers = text.rpartition("```")
    inner = code.partition("\n")[2].rstrip("\n")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", inner)), default=0))
    shown = safe_text(inner)
    # Without a name: a block of text is a quote to `ragqa verify`.
    return f"\n\n{fence}\n{shown}\n{fence}\n\n{escaped(numbers)}{mark and ' '}{mark}\n"


def _sentence(sentence: WrittenSentence) -> Text:
    text = Text(safe_text(f"{sentence.lead}{cited_text(sentence)}"))
    text.highlight_regex(CITED, style="number")
    return text.append(_behind(sentence), style="warning")


def _behind(sentence: WrittenSentence) -> str:
    mark = mark_of(sentence)
    return f" {mark}" if mark else ""


def mark_of(sentence: WrittenSentence) -> str:
    """What is said behind a sentence that its sources do not support, else ""; sanitised."""
    if sentence.supported or sentence.is_frame:
        return ""
    if not sentence.citations:
        return "(no source)"
    against = safe_line(", ".join(sentence.against[:_REASONS]))
    return f"(not supported: {against})" if against else "(not supported)"


def written_by(written: Written) -> str:
    """Who wrote the answer, from how much, and how much of it is supported; sanitised."""
    total = len(written.claims)
    supported = sum(sentence.supported for sentence in written.claims)
    if total == 1:
        share = f"its one sentence is {'' if supported else 'not '}supported by its sources"
    else:
        many = "all" if supported == total else supported or "none"
        verb = "is" if supported == 1 else "are"
        share = f"{many} of its {total} sentences {verb} supported by the sources cited"
    passages = f"{written.given} passages" if written.given > 1 else "one passage"
    said = [f"Written by {safe_line(written.backend)} from {passages}; {share}."]
    if written.dropped:
        said.append(f"Left out, since their sources do not support them: {written.dropped}.")
    if written.invalid_citations:
        numbers = ", ".join(f"[{n}]" for n in written.invalid_citations)
        said.append(f"Taken out, since no passage has this number: {numbers}.")
    return " ".join(said)


def print_request(request: Request, where: str, *, asked: bool, json: bool) -> None:
    """Print what an LLM would be given, to the letter, and where it would go.

    :param where: the backend and its host, "" where none is set.
    :param asked: whether it would be asked at all.
    """
    prompt = request.prompt
    if json:
        print_document(
            {
                "instructions": prompt.instructions,
                "message": prompt.message,
                "tokens": request.tokens,
                "passages": len(request.hits),
                "left_out": request.left_out,
                "would_go_to": where or None,
                "would_be_asked": asked,
            }
        )
        return
    print_as_is(f"{safe_text(prompt.instructions)}\n{safe_text(prompt.message)}")
    passages, tokens = counted(len(request.hits), "passage"), counted(request.tokens, "token")
    said = [f"{passages}, {tokens}; nothing was sent."]
    if where:
        said.append(f"It would go to {where}.")
    if not asked:
        said.append(
            "As your notes do not seem to answer, the LLM would only be asked with --force."
        )
    say(" ".join(said))
