"""Whatever a note or an LLM says: quotes are exact, and what is printed steers nothing.

The same of notes is looked for at length by `eval/fuzz/`.
"""

import io
import json
import re
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st
from index.building import quick_folder
from llms.asking import Backend
from markdown_it import MarkdownIt
from support import trying

from ragqa import open_index
from ragqa.generation import Writer
from ragqa.notes import Document, read_text
from ragqa.render import document_of, to_json
from ragqa.render.as_markdown import answer_markdown
from ragqa.render.results import Linker, print_answer
from ragqa.saved import read_saved

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
QUESTION = "How long do cats sleep?"
SAID = [
    *("Cats sleep 14 hours a day. ", "Cats sleep 12 hours", "cats", ". ", "\n", "\n\n", "\r", "\t"),
    *("# ", "- ", "2. ", "> ", "```\n", "| a | b |\n|---|---|\n", "| ", "`", "**", "<b>", "<!--"),
    *("[1]", "[2, 3]", "[9]", "\u30103\u2020source\u3011", "[", "](https://evil.example) "),
    *("![x](data:a)", "[x](notes.md)", "https://evil.example/?q=", "www.evil.example"),
    *("<https://a.b>", "[^1]: x\n"),
    *("---\ntitle: ", "---\n", "2024-02-30", "\x1b[31m", "\x1b]52;c;aGk=\x07", "\x9b", "\u202e"),
    *("\u2028", "\x0c", "\x85", "\ufeff", "\U000e0041", "\u4e2d\u6587\u3002", "&#0;", "\\", "\0"),
]
ANYTHING = st.lists(st.sampled_from(SAID), max_size=25).map("".join) | st.text(
    st.characters(codec="utf-8"), max_size=80
)


@pytest.fixture(scope="module")
def index():
    """An index of two notes; one note is any text in turn."""
    with quick_folder() as folder:
        corpus = folder / "notes"
        corpus.mkdir()
        (corpus / "cats.md").write_text("# Cats\n\nCats sleep 14 hours a day. Cats hunt at dawn.\n")
        yield open_index(corpus, index=folder / "index", settings={"embedder": "hashed:64"})


@trying(40)
@given(text=ANYTHING, suffix=st.sampled_from(["md", "txt"]), asked=st.booleans())
def test_any_note_is_answered_from_without_harm(index, text, suffix, asked):
    note = index.places.corpus.file(f"note.{suffix}")
    note.write_bytes(text.encode())
    try:
        index.refresh(rebuild=True)
        words = "".join(text.split())[:30] if asked else ""
        answer = index.ask(f"{QUESTION} {words}", refresh=False)
        assert_harmless(index, answer)
    finally:
        note.unlink()


@trying(40)
@given(
    text=ANYTHING | ANYTHING.map(lambda text: f"Cats sleep 14 hours a day [1]. {text}"),
    strict=st.booleans(),
)
def test_whatever_an_llm_says_is_shown_without_harm(index, text, strict):
    index.refresh(rebuild=True)
    writer = Writer(Backend(lambda: iter([text])), force=True, strict=strict)
    answer = index.ask(QUESTION, refresh=False, writer=writer)
    written = answer.written
    known = range(1, written.given + 1)
    assert {n for one in written.sentences for n in one.citations} <= {*known}
    assert {*known}.isdisjoint(written.invalid_citations)
    assert_harmless(index, answer)
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(answer_markdown(answer)):
        assert token.type != "html_block"
        for child in token.children or ():
            assert child.type not in ("image", "html_inline")
            assert child.type != "link_open" or child.attrGet("href") == "cats.md"


def assert_harmless(index, answer):
    corpus = index.places.corpus
    for cited in (*answer.citations, *answer.earlier):
        read = read_text(corpus, cited.path, max_note_bytes=10**6)
        assert isinstance(read, Document)
        start, end = cited.chars
        assert cited.quote == read.text[start:end]
        assert cited.lines[0] == read.text.count("\n", 0, start) + 1
        assert cited.note_sha256 == read.state.sha256
    with redirect_stdout(io.StringIO()) as out:
        print_answer(answer, Linker(corpus, "file://{path}"))
    assert not UNSAFE.search(out.getvalue())
    document = to_json(document_of(answer))
    assert [c["quote"] for c in json.loads(document)["citations"]] == [
        c.quote for c in answer.citations
    ]
    shown = answer_markdown(answer)
    assert not UNSAFE.search(shown)
    saved = read_saved(io.BytesIO(shown.encode()), "it")
    assert [c.quote for c in saved.citations] == [c.quote for c in answer.citations]
