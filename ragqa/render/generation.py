"""An LLM's answer on the terminal: each sentence as it is checked, with its support mark."""

import re
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.text import Text

from ragqa.generation import Request, cited_text
from ragqa.render.documents import fields_of
from ragqa.render.markdown_text import fenced
from ragqa.render.screen import (
    READABLE,
    ProgressLine,
    encodable,
    print_as_is,
    print_document,
    put,
    say,
    stdout,
)
from ragqa.render.view import CITED, trust_line
from ragqa.safe import safe_line, safe_text
from ragqa.types import Answer, Written, WrittenSentence, counted

_MAX_REASONS = 2
_WORD = re.compile("(?<! )(?P<before> *)(?P<word>[^ ]+)")


class Stream:
    """Prints each sentence as soon as it is checked, wrapped between words; on a terminal only.

    Use it in a `with` statement, which ends the last line.
    """

    def __init__(self, progress: ProgressLine) -> None:
        self._progress = progress
        self._console = stdout()
        self._began = False
        self._column = 0

    def __call__(self, sentence: WrittenSentence) -> None:
        """Print the next sentence."""
        if not self._console.is_terminal:
            return
        if not self._began:
            self._progress.stop()
            self._began = True
        for number, line in enumerate(_sentence(sentence).split("\n", allow_blank=True)):
            if number:
                self._end_line()
            for found in _WORD.finditer(line.plain):
                word = encodable(line[found.start("word") : found.end()], self._console.encoding)
                self._print_word(found["before"], word)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._began:
            self._end_line()

    def _end_line(self) -> None:
        self._console.print()
        self._column = 0

    def _print_word(self, before: str, word: Text) -> None:
        width = min(self._console.width, READABLE)
        if self._column and self._column + len(before) + word.cell_len > width:
            self._end_line()
            before = ""
        self._console.print(Text.assemble(before, word), end="", soft_wrap=True)
        self._column += len(before) + word.cell_len


def print_written(console: Console, answer: Answer, written: Written) -> None:
    """Print the LLM's answer: each sentence with its citations and its support mark."""
    # On a terminal, `Stream` has already printed the sentences.
    if not console.is_terminal:
        put(Text.assemble(*map(_sentence, written.sentences)))
    put()
    if trust := trust_line(answer):
        put(trust, "warning")
    put(written_by(written), "quiet")


def written_markdown(written: Written, escaped: Callable[[str], str]) -> str:
    """Return the LLM's answer as Markdown: lists and code keep their markup, the rest is escaped.

    :param escaped: escapes text so that Markdown shows it literally.
    """
    return "".join(_markdown(sentence, escaped) for sentence in written.sentences)


def _markdown(sentence: WrittenSentence, escaped: Callable[[str], str]) -> str:
    lead, mark = sentence.lead.replace("#", ""), escaped(support_mark(sentence))
    text = cited_text(sentence)
    if "\n" not in text:
        # Markdown ignores a single line break.
        lead = "\\\n" if lead.strip(" ") == "\n" else lead
        return f"{lead}{escaped(text)}{mark and ' '}{mark}"
    code, _, numbers = text.rpartition("```")
    # No language: `ragqa verify` takes a block marked `text` for a quote.
    shown = fenced(code.partition("\n")[2].rstrip("\n"))
    return f"\n\n{shown}\n\n{escaped(numbers)}{mark and ' '}{mark}\n"


def _sentence(sentence: WrittenSentence) -> Text:
    text = Text(safe_text(f"{sentence.lead}{cited_text(sentence)}"))
    text.highlight_regex(CITED, style="number")
    return text.append(support_mark(sentence), style="warning")


def support_mark(sentence: WrittenSentence) -> str:
    """The mark after a sentence that its sources do not support, after a space; sanitised."""
    if sentence.supported or sentence.is_frame:
        return ""
    if not sentence.citations:
        return " (no source)"
    against = safe_line(", ".join(sentence.against[:_MAX_REASONS]))
    return f" (not supported: {against})" if against else " (not supported)"


def written_by(written: Written) -> str:
    """Say which LLM wrote the answer, from how many passages, and how well supported; sanitised."""
    total = len(written.claims)
    supported = sum(sentence.supported for sentence in written.claims)
    if total == 1:
        share = f"its one sentence is {'' if supported else 'not '}supported by its sources"
    else:
        many = "all" if supported == total else supported or "none"
        verb = "is" if supported == 1 else "are"
        share = f"{many} of its {total} sentences {verb} supported by the sources cited"
    passages = f"{written.given} passages" if written.given > 1 else "one passage"
    parts = [f"Written by {safe_line(written.backend)} from {passages}; {share}."]
    if written.dropped:
        parts.append(f"Sentences left out as unsupported: {written.dropped}.")
    if written.invalid_citations:
        numbers = ", ".join(f"[{n}]" for n in written.invalid_citations)
        parts.append(f"Citations removed because no passage has that number: {numbers}.")
    return " ".join(parts)


def print_request(request: Request, where: str, *, asked: bool, json: bool) -> None:
    """Print exactly what an LLM would be sent, and where.

    :param where: the backend and its host; "" if none is set.
    :param asked: whether the LLM would be asked at all.
    """
    prompt = request.prompt
    if json:
        document = {
            **fields_of(prompt, "instructions", "message"),
            "tokens": request.tokens,
            "passages": len(request.hits),
            "left_out": request.left_out,
            "would_go_to": where or None,
            "would_be_asked": asked,
        }
        print_document(document)
        return
    print_as_is(f"{safe_text(prompt.instructions)}\n{safe_text(prompt.message)}")
    passages, tokens = counted(len(request.hits), "passage"), counted(request.tokens, "token")
    parts = [f"{passages}, {tokens}; nothing was sent."]
    if where:
        parts.append(f"It would go to {where}.")
    if not asked:
        parts.append(
            "Your notes do not seem to answer this, so the LLM would be asked only with --force."
        )
    say(" ".join(parts))
