"""The files of an index, forged, and all that reads them.

Each input is tried in a process of its own, with bounds on memory and time, so that a crash or a
hang of a library counts as what breaks.
"""

import os
import random
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

from forgery import FORGERIES, NOTHING
from fuzz_notes import OTHER
from holding import check_document, must, printing
from trials.children import preload
from trials.children import run as run_apart

from ragqa.api import open_index
from ragqa.cli import run
from ragqa.config import Places
from ragqa.errors import RagqaError
from ragqa.notes import NoteText, read_text
from ragqa.types import Answer, Corpus

QUESTION = "How long do cats sleep?"
MEMORY_BYTES = 4 * 2**30
SECONDS = 20
WITH_NEW = ("search", "new cats")
READING = (
    ("ask", QUESTION, "--no-refresh"),
    ("search", "cats", "--json", "--no-refresh", "--tag", "pets", "--since", "2020-01-01"),
    ("search", "dogs", "--no-refresh", "--path", "*"),
    ("why", QUESTION, "--target", "cats.md", "--no-refresh"),
    ("status", "--json"),
    ("doctor",),
    ("search", "birds"),
    ("index",),
)
ALL = (*READING, WITH_NEW)

SAMPLED = 3
"""So many commands that read an index are run on most of the inputs."""

MENDED = 0.1
"""The share of inputs on which all are run, and after which the index is rebuilt."""

NOTES = {
    "cats.md": OTHER,
    "a/dogs.md": "---\ntags: [pets/dogs]\n---\n# Dogs\n\nDogs sleep 10 hours a day. Dogs bark.\n",
    "birds.txt": "Birds\n\nBirds sleep 8 hours a day, mostly on branches of old trees.\n",
}

MANY = 60
AS_IF_LARGE = {
    "ragqa.stores.local.derived.REWRITE_BELOW": 0,
    "ragqa.stores.local.derived.EXACT_UP_TO": 20,
}

_folders: list[Path] = []


def prepare() -> None:
    """Build the indexes that are forged; in other processes, since threads cannot be forked."""
    folder = Path(tempfile.mkdtemp())
    for number in range(MANY):
        text = f"# Cat {number}\n\nThe cat of street {number} sleeps {number} hours a day.\n"
        _note(folder / f"notes/many/{number}.md", text)
    for name, text in NOTES.items():
        _note(folder / "notes" / name, text)
    _folders.append(folder)
    _in_child(lambda: _build(folder, "small"))
    shutil.copytree(folder / "small", folder / "copy")
    preload(lambda: _use(folder, ALL))
    with _as_if_large():
        _in_child(lambda: _build(folder, "large"))
        _note(folder / "notes/birds.txt", f"{NOTES['birds.txt']}Owls sleep by day.\n")
        _in_child(lambda: _build(folder, "large"))
    _in_child(lambda: _build(folder, "small"))
    _as_if_large()  # from here on, so that the large one is searched as such


def _as_if_large() -> ExitStack:
    """What makes some dozen passages as good as many thousands, until it is closed."""
    patches = ExitStack()
    for place, value in AS_IF_LARGE.items():
        module, _, name = place.rpartition(".")
        if hasattr(sys.modules.get(module), name):
            patches.enter_context(mock.patch(place, value))
    return patches


def _note(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1_700_000_000, 1_700_000_000 + len(text)))


def _build(folder: Path, name: str) -> None:
    with open_index(folder / "notes", index=folder / name) as index:
        index.refresh()


def seeds() -> list[bytes]:
    """Numbers: each is the seed of one way to forge the index."""
    return [b"0", b"1"]


def check(data: bytes) -> None:
    """Forge a copy of the index in the way that this number stands for, and use it."""
    rng = random.Random(data)  # noqa: S311 - a run is to be repeated
    folder = _folders[-1]
    shutil.rmtree(folder / "copy", ignore_errors=True)
    shutil.copytree(folder / rng.choice(("small", "large")), folder / "copy")
    done = rng.choice(FORGERIES)(rng, folder / "copy")
    commands = ALL if rng.random() < MENDED else rng.sample(READING, SAMPLED)
    if done == NOTHING:
        _in_child(lambda: _find(folder), done)
    _in_child(lambda: _use(folder, commands), done)


def _in_child(act: Callable[[], None], about: str = "") -> None:
    """Do it in a process of its own, which may crash or hang."""

    def limited() -> bool:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        act()
        return True

    end = run_apart(limited, seconds=SECONDS)
    must(end.value, f"{about}: ended by signal {end.signal}: {end.error[-6000:]}")


def _use(folder: Path, commands: Sequence[Sequence[str]]) -> None:
    """Ask, and run some commands beside a new note."""
    places = Places(Corpus.of(folder / "notes"), folder / "copy")
    _ask(places)
    given = ["--corpus", str(places.corpus), "--index", str(places.index)]
    new = places.corpus.file("new.md")
    try:
        for command in commands:
            if command == WITH_NEW:
                new.write_text("# New\n\nCats are new.\n", encoding="utf-8")
            _command([*command, *given])
    finally:
        new.unlink(missing_ok=True)
    if commands is ALL:
        _command(["index", "--rebuild", *given])
        _command(["ask", QUESTION, *given], worked=True)


def _find(folder: Path) -> None:
    """What is only sealed anew is read, else no forgery would be looked at."""
    with open_index(folder / "notes", index=folder / "copy") as index:
        must(index.search("cats", refresh=False).hits, "nothing is found")


def _ask(places: Places) -> None:
    """Whatever the index says, what is cited stands in the notes."""
    with open_index(places.corpus.folders[0].path, index=places.index) as index:
        try:
            answer: Answer = index.ask(QUESTION, refresh=False)
        except RagqaError:
            return
    for citation in answer.citations:
        read = read_text(places.corpus, citation.path, max_note_bytes=10**6)
        must(isinstance(read, NoteText), f"cites {citation.path!r}")
        if isinstance(read, NoteText):
            start, end = citation.chars
            must(read.text[start:end] == citation.quote, f"quotes {citation.quote!r:.100}")
            must(read.sha256 == citation.note_sha256, "cites another version")


def _command(given: list[str], *, worked: bool = False) -> None:
    with mock.patch("ragqa.cli._report_bug", _raise), printing() as (out, err):
        code = run(given)
    must(code in range(7), f"{given[:3]} ends with {code}")
    must(code in (0, 1) or not worked, f"a rebuild does not mend it: {err.text()[:300]}")
    if "--json" in given and code < 2:
        check_document(out.text())


def _raise(exc: Exception, *, debug: bool) -> int:
    del debug
    raise exc
