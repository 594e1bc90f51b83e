"""What an LLM writes, all the way to the screen."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fuzz_notes import check_answer, index_at
from holding import must, printing
from markdown_it import MarkdownIt

from ragqa.api import Index
from ragqa.generation import Writer
from ragqa.llms import Destination, Prompt
from ragqa.render import ProgressLine, print_warnings, warnings_of
from ragqa.render.generation import Stream
from ragqa.render.markdown import answer_markdown
from ragqa.types import Answer

QUESTION = "How long do cats sleep?"
NOTE = (
    "# Sleep\n\nCats sleep 12 hours a day, since 2021-03-04. See https://a.b/c for more.\n\n"
    "1. Feed `cat --help` first.\n2. Then sleep.\n\n```sh\nsleep [1]\n```\n"
)
PIECES = (1, 7, 4096)

_indexes: list[Index] = []


class Said:
    """An LLM that says one thing, whatever it is asked, in pieces of some size."""

    def __init__(self, text: str, piece: int) -> None:
        self._text, self._piece = text, piece

    @property
    def destination(self) -> Destination:
        """It stays in this process."""
        return Destination(backend="said:it")

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Say it."""
        del prompt, max_tokens
        for start in range(0, len(self._text), self._piece):
            yield self._text[start : start + self._piece]


def prepare() -> None:
    """Index two notes to write from."""
    index = index_at(Path(tempfile.mkdtemp()))
    index.places.corpus.file("sleep.md").write_text(NOTE, encoding="utf-8")
    index.refresh()
    _indexes.append(index)


def seeds() -> list[bytes]:
    """Sentences with citations, and the replies of the hostile LLM of the tests."""
    folder = Path(__file__).parents[2] / "tests/inputs/hostile"
    rows = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]
    said = [f"{row['truth']} [1] {row['obeyed']}" for row in rows]
    said += [
        "Cats sleep 12 hours a day [1]. One note says 14 hours [2][3].",
        "- Cats sleep [1].\n- They hunt at dawn [1, 2].\n\n```sh\nsleep [1]\n```\n[2]\n",
        "# Cats\n\n| cat | 15 years |\n|---|---|\n| [1] | [see](https://evil.example/?q=1) |\n",
        "NO ANSWER", "As [1] says, cats do not sleep <https://a.b/c>. ![x](data:a)[9]\r\n[^1]: x",
    ]  # fmt: skip
    return [bytes([n % 12, 0]) + text.encode("utf-8", "replace") for n, text in enumerate(said)]


def check(data: bytes) -> None:
    """The first byte says how it is asked, the rest is what the LLM writes."""
    index, how = _indexes[-1], data[0] if data else 0
    # JSON can bring half of a surrogate pair.
    text = data[2:].decode("utf-8", "surrogateescape")
    with printing(terminal=bool(how & 4)), ProgressLine() as progress, Stream(progress) as stream:
        llm = Said(text, PIECES[how % 3])
        writer = Writer(llm, strict=bool(how & 8), force=True, on_sentence=stream)
        answer = index.ask(QUESTION, refresh=False, writer=writer)
        print_warnings(warnings_of(answer))
    check_answer(index.places.corpus, answer)
    _check_numbers(answer)
    _check_links(answer)


def _check_numbers(answer: Answer) -> None:
    written = answer.written
    must(written is not None, "nothing is known of what was written")
    if written is None:
        return
    for sentence in written.sentences:
        for n in sentence.citations:
            must(1 <= n <= written.given, f"keeps the citation [{n}]")
    for n in written.invalid_citations:
        must(not 1 <= n <= written.given, f"takes [{n}] for invalid")
    if written.grounded:
        cited = {each.n for each in answer.citations}
        used = {n for sentence in written.sentences for n in sentence.citations}
        must(cited == used, f"cites {cited}, has the sources {used}")


def _check_links(answer: Answer) -> None:
    """Where an answer is kept, only its own notes are linked to."""
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(answer_markdown(answer)):
        for child in token.children or ():
            if child.type in ("image", "html_inline"):
                raise AssertionError(f"shows {child.type} {child.content!r}")
            if child.type == "link_open":
                address = str(child.attrGet("href"))
                must(re.fullmatch(r"[a-z]+\.md", address), f"links to {address!r}")
        must(token.type != "html_block", f"shows HTML {token.content[:60]!r}")
