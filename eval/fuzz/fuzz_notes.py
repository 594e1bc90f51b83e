"""Bytes of a note, all the way to the answer as it is printed."""

import io
import os
import tempfile
from pathlib import Path

from holding import check_citation, check_document, lines_of, must, printing

from ragqa import Index, open_index
from ragqa.errors import RagqaError
from ragqa.notes import Document, read_text
from ragqa.render import document_of, to_json
from ragqa.render.as_markdown import answer_markdown
from ragqa.render.results import Linker, print_answer
from ragqa.saved import read_saved
from ragqa.types import Answer, Corpus, Passage

OTHER = (
    "---\ndate: 2023-05-01\n---\n# Cats\n\nCats sleep 14 hours a day.\n\n- Cats hunt at dawn.\n\n"
    "| animal | lives |\n|---|---|\n| cat | 15 years |\n"
)
QUESTIONS = ("How long do cats sleep?", "When was it decided?", "Who is a cat?", "cats", "")
NAMES = ("note.md", "note.txt", "2024-05-02 Cats.MD", "a/b/note.markdown")


_indexes: list[Index] = []


def index_at(folder: Path) -> Index:
    """An index of a folder with one note; in memory, where there is a file system in memory."""
    corpus = folder / "notes"
    (corpus / "a/b").mkdir(parents=True)
    (corpus / "cats.md").write_text(OTHER, encoding="utf-8")
    return open_index(corpus, index=folder / "index", settings={"embedder": "hashed:64"})


def prepare() -> None:
    """Make the folder that each input is put into."""
    _indexes.append(index_at(Path(tempfile.mkdtemp())))


def seeds() -> list[bytes]:
    """The notes of the repository, and hostile ones of its tests."""
    root = Path(__file__).parents[2]
    files = [*(root / "corpus").rglob("*.md"), *(root / "tests/inputs").rglob("*.md")]
    files += (root / "tests/inputs").rglob("*.txt")
    found = [path.read_bytes()[:6000] for path in sorted(files)]
    return [bytes([n % 5, n % 4]) + data for n, data in enumerate(found)] + [b"\0\0", b"\0\1\n"]


def check(data: bytes) -> None:
    """The first byte chooses the question, the second the name, the rest is the note."""
    index = _indexes[-1]
    name = NAMES[data[1] % len(NAMES)] if len(data) > 1 else NAMES[0]
    path = index.places.corpus.file(name)
    path.write_bytes(data[2:])
    try:
        _check(index, name, _question(data))
    finally:
        path.unlink()


def _question(data: bytes) -> str:
    """One of a few questions, or some words of the note itself."""
    asked = QUESTIONS[data[0] % len(QUESTIONS)] if data else ""
    return asked or data[2:400].decode("utf-8", "replace")[-80:] + " cats"


def _check(index: Index, name: str, question: str) -> None:
    index.refresh(rebuild=True)
    corpus = index.places.corpus
    read = read_text(corpus, name, max_note_bytes=5_000_000)
    passages = index.snapshot().passages(at=[name])
    if isinstance(read, Document):
        for passage in passages:
            _check_passage(passage, read.text)
    try:
        answer = index.ask(question, refresh=False)
    except RagqaError:
        return
    check_answer(corpus, answer)


def _check_passage(passage: Passage, text: str) -> None:
    start, end = passage.start, passage.end
    must(0 <= start < end <= len(text), f"a passage of {start} to {end}")
    must(passage.text == text[start:end], "a passage that is not the note's text")
    must(passage.lines == lines_of(text, start, end), f"a passage on {passage.lines}")


def check_answer(corpus: Corpus, answer: Answer) -> None:
    """An answer quotes its notes, and is printed in every form without doing any harm."""
    for citation in (*answer.citations, *answer.earlier):
        read = read_text(corpus, citation.path, max_note_bytes=5_000_000)
        must(isinstance(read, Document), f"cites {citation.path}")
        if isinstance(read, Document):
            check_citation(citation, read.text, read.state.sha256)
    linker = Linker(corpus, "file://{path}")
    for terminal in (False, True):
        with printing(terminal=terminal):
            print_answer(answer, linker)
    document = check_document(to_json(document_of(answer)))
    must(
        [each["quote"] for each in document["citations"]] == [c.quote for c in answer.citations],
        "JSON that quotes something else",
    )
    _check_saved(answer)


def _check_saved(answer: Answer) -> None:
    """What is kept as Markdown is read back as the answer that it was."""
    shown = answer_markdown(answer)
    with printing() as (out, _):
        out.write(shown)
    saved = read_saved(io.BytesIO(shown.encode("utf-8")), os.devnull)
    kept = [(each.quote, each.chars, each.path) for each in saved.citations]
    must(kept == [(c.quote, c.chars, c.path) for c in answer.citations], "another record")
