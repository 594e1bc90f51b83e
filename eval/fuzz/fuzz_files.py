"""The files that a user, or a folder from elsewhere, hands to ragqa: any bytes of them."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from fuzz_notes import OTHER
from holding import check_document, must, printing

from ragqa.cli import run
from ragqa.config import user_settings_file
from ragqa.notes.frontmatter import read_front_matter
from ragqa.render import to_json
from ragqa.user_data import QuestionHistory

QUESTION = "How long do cats sleep?"
EXIT_CODES = range(8)

_folders: list[Path] = []


def prepare() -> None:
    """Make a folder of notes with its index, and a folder to be in."""
    folder = Path(tempfile.mkdtemp())
    for name in ("notes", "set/qrels", "set/docs"):
        (folder / name).mkdir(parents=True)
    (folder / "notes/cats.md").write_text(OTHER, encoding="utf-8")
    (folder / "set/docs/cats.md").write_text(OTHER, encoding="utf-8")
    user_settings_file().parent.mkdir(parents=True)
    os.chdir(folder)
    _folders.append(folder)
    command("index", *_places())


def command(*args: object) -> str:
    """Run a command of ragqa; it ends with an exit code of its own, and prints no harm."""
    given = list(map(str, args))
    with mock.patch("ragqa.cli._report_bug", _raise), printing() as (out, err):
        code = run(given)
    must(code in EXIT_CODES, f"{given} ends with {code}: {err.text()[-200:]}")
    if "--json" in given and code < 2:
        check_document(out.text())
    return out.text()


def _raise(exc: Exception, *, debug: bool) -> int:
    del debug
    raise exc


def _places() -> list[object]:
    return ["--corpus", _folders[-1] / "notes", "--index", _folders[-1] / "index"]


def _file(name: str, data: bytes) -> Path:
    path = _folders[-1] / name
    path.write_bytes(data)
    return path


@contextmanager
def _there(path: Path, data: bytes) -> Iterator[None]:
    """A file that is there for a while."""
    path.write_bytes(data)
    try:
        yield
    finally:
        path.unlink()


def _front_matter(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    found = read_front_matter(f"---\n{text}\n---\nCats.\n")
    must(0 <= found.end <= len(text) + 20, f"ends at {found.end}")


def _user(data: bytes) -> None:
    with _there(user_settings_file(), data):
        command("config", "--json")
        command("config", "set", "top_k", "3")


def _consent(data: bytes) -> None:
    path = user_settings_file().with_name("allowed.txt")
    path.write_bytes(data)
    path.chmod(0o600)
    command("status", *_places())


def _questions(data: bytes) -> None:
    path = _file("questions.jsonl", data)
    command("eval", "--questions", path, *_places(), "--json", "--limit", "2")
    command("eval", "--questions", path, *_places(), "--limit", "2")


def _saved(data: bytes) -> None:
    path, corpus = _file("answer", data), _folders[-1] / "notes"
    command("verify", path, "--corpus", corpus)
    command("verify", path, "--corpus", corpus, "--json")


def _ignore(data: bytes) -> None:
    with _there(_folders[-1] / "notes/.ragqaignore", data):
        command("index", *_places())
        command("why", QUESTION, "--target", "cats.md", *_places())


def _replies(data: bytes) -> None:
    path = _file("replies.jsonl", data)
    command("ask", QUESTION, "--llm", f"scripted:{path}", "--force", *_places(), "--json")


def _asked(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    first, _, rest = text.replace("\0", " ").partition("\n")
    command("ask", "--json", *_places(), "--", first)
    command("search", "--json", *_places(), "--path", rest, "--", first)
    command("search", *_places(), "--tag", rest, "--since", rest, "--", first)
    command("why", *_places(), "--target", rest, "--", first)


def _history(data: bytes) -> None:
    for line in QuestionHistory(_file("history", data)).read():
        must("\n" not in line, "a line with a break")


KINDS: dict[str, Callable[[bytes], None]] = {
    "front matter": _front_matter,
    "user": _user,
    "consent": _consent,
    "questions": _questions,
    "saved": _saved,
    "ignore": _ignore,
    "replies": _replies,
    "asked": _asked,
    "history": _history,
}


def check(data: bytes) -> None:
    """The first byte chooses the kind of file, the rest is in it."""
    kinds = list(KINDS.values())
    kinds[data[0] % len(kinds) if data else 0](data[1:])


def seeds() -> list[bytes]:
    """Sound files of every kind."""
    root = Path(__file__).parents[2]
    rows = b"\n".join((root / "eval/questions.jsonl").read_bytes().splitlines()[:3])
    shown = [
        command("ask", QUESTION, *_places(), "--format", each) for each in ("json", "markdown")
    ]
    measured = command("eval", "--questions", _file("questions.jsonl", rows), *_places(), "--json")
    sound: dict[str, list[bytes]] = {
        "front matter": [b"title: Cats: all\ntags: [a, b]\ndate: 2024-01-02\naliases:\n- c\n"],
        "user": [b'embedder = "hashed:64"\nllm = "none"\nlink_format = "file://{path}"\n'],
        "consent": [b"api.example.com as LLM\n[::1]:80 as store\n"],
        "questions": [rows, _question(), measured.encode()[:50]],
        "saved": [each.encode() for each in shown],
        "ignore": [b"*.txt\n!cats.md\n/a/**/b\n[a-z]?\\#\n", b"cats.md\n"],
        "replies": [b'{"when": "", "say": "Cats sleep 14 hours a day [1]."}\n'],
        "asked": [b"How long do cats sleep?\n*.md", b"cats\n2024-01-01", b"cats\ncats.md:3"],
        "history": [b"cats?\n/help\n"],
    }
    order = list(KINDS)
    return [bytes([order.index(kind)]) + data for kind, each in sound.items() for data in each]


def _question() -> bytes:
    gold = {"note": "cats.md", "quote": "Cats sleep 14 hours a day.", "part": 1}
    row = {"id": "1", "question": QUESTION, "kind": "short", "gold": [gold], "answer": ["14 hours"]}
    return to_json(row).replace("\n", "").encode()
