"""The systems that are compared: how each is installed, built, asked and told of an edit."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from peer_material import Material, write_note
from running import RAGQA, Child, run_child

from ragqa.embedders import DEFAULT_MODEL
from ragqa.embedders.models import find_model

WORKERS = Path(__file__).with_name("peers")
SHARED = ("torch", "transformers", "sentence-transformers", "tokenizers", "numpy", "faiss-cpu")
"""Packages of which every peer gets the version that ragqa runs with, if it needs them at all."""


@dataclass(frozen=True, slots=True)
class Ragqa:
    """ragqa by its command line: `command` is `ask` or `search`.

    `home` is a folder of its own, with all that it keeps in `index`; `builds` is False where that
    is another system's, in the same home.
    """

    name: str
    command: str
    home: Path
    builds: bool

    def build(self, material: Material) -> Child:
        """Index the notes, which are walked, read and split for it."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(material.notes, self.home / "notes")
        return run_child([RAGQA, "index", *_places(self.home)], answers=[0])

    def ask(self, home: Path, question: str) -> Child:
        """Ask, which first looks for changes in the notes."""
        return run_child([RAGQA, self.command, question, "--json", *_places(home)])

    def ask_all(self, home: Path, questions: Path) -> Child:
        """Ask by the Python interface, without a look for changes before each question."""
        worker = [sys.executable, str(WORKERS / "with_ragqa.py"), "questions"]
        kind = "answers" if self.command == "ask" else "passages"
        argv = [*worker, str(home / "index"), str(home / "notes"), str(questions), kind]
        return run_child(argv, answers=[0])

    def edit(self, home: Path, material: Material) -> float:
        """Save the notes, as an editor would; no command is needed."""
        for path, text in material.edited.items():
            write_note(home / "notes", path, text)
        return 0.0


@dataclass(frozen=True, slots=True)
class Peer:
    """Another system by its worker, in an environment of its own."""

    name: str
    home: Path
    python: Path
    worker: str
    model: Path
    edits: bool
    builds: bool = True

    def build(self, material: Material) -> Child:
        """Build from the passages that ragqa made."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        return self._run(self.home, "build", str(material.passages))

    def ask(self, home: Path, question: str) -> Child:
        """Find passages for one question."""
        return self._run(home, "ask", question)

    def ask_all(self, home: Path, questions: Path) -> Child:
        """Find passages for many questions."""
        return self._run(home, "questions", str(questions))

    def edit(self, home: Path, material: Material) -> float:
        """Hand it the passages that are gone and those that are new, if it can take them."""
        return self._run(home, "edit", str(material.edit)).seconds if self.edits else 0.0

    def _run(self, home: Path, action: str, given: str) -> Child:
        # -E: what the caller has on PYTHONPATH is no part of the peer.
        worker = [str(self.python), "-E", str(WORKERS / self.worker), action]
        return run_child([*worker, str(home / "index"), str(self.model), given], answers=[0])


System = Ragqa | Peer


@dataclass(frozen=True, slots=True)
class Kind:
    """A peer before it is installed; `edits` says whether it can take an edit in."""

    name: str
    worker: str
    requirements: tuple[str, ...]
    edits: bool


KINDS = {
    "txtai": Kind("txtai hybrid", "with_txtai.py", ("txtai>=9.14,<10",), edits=True),
    "lancedb": Kind(
        "LanceDB hybrid",
        "with_lancedb.py",
        ("lancedb>=0.40,<0.50", "sentence-transformers>=6,<7"),
        edits=True,
    ),
    "faiss": Kind(
        "FAISS script",
        "with_faiss.py",
        ("faiss-cpu>=1.15,<2", "sentence-transformers>=6,<7"),
        edits=False,
    ),
}


def systems(names: Sequence[str], environments: Path, homes: Path) -> list[System]:
    """Ready ragqa, which comes first, and these peers, each installed if it is not yet."""
    model = find_model(DEFAULT_MODEL).path
    ragqa = [
        Ragqa("ragqa ask", "ask", homes / "ragqa", builds=True),
        Ragqa("ragqa search", "search", homes / "ragqa", builds=False),
    ]
    peers = []
    for name in names:
        kind = KINDS[name]
        python = environment(environments / name, kind.requirements)
        peers.append(Peer(kind.name, homes / name, python, kind.worker, model, kind.edits))
    return [*ragqa, *peers]


def environment(folder: Path, requirements: Sequence[str]) -> Path:
    """The interpreter of an environment with these packages, made unless it is there as wanted."""
    python = folder / "bin" / "python"
    pinned = [f"{name}=={found}" for name in SHARED if (found := _version(name))]
    wanted = "\n".join([*requirements, "", *pinned, ""])
    stamp, constraints = folder / "installed.txt", folder / "constraints.txt"
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    print(f"installing {', '.join(requirements)} in {folder}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    constraints.write_text("\n".join(pinned) + "\n")
    install = ["-m", "pip", "install", "--quiet", "-c", str(constraints), *requirements]
    subprocess.run([str(python), *install], check=True)
    stamp.write_text(wanted)
    return python


def versions(python: Path, names: Sequence[str]) -> dict[str, str]:
    """Which versions of packages an environment has."""
    listed = run_child([str(python), "-m", "pip", "list", "--format=json"], answers=[0]).output
    return {one["name"]: one["version"] for one in json.loads(listed) if one["name"] in names}


def child_environment(folder: Path) -> Mapping[str, str]:
    """What all processes get: no settings of the user's, no look-ups of models on the network."""
    return {"XDG_CONFIG_HOME": str(folder), "HF_HUB_OFFLINE": "1"}


def _places(home: Path) -> list[str]:
    return ["--corpus", str(home / "notes"), "--index", str(home / "index")]


def _version(name: str) -> str:
    """The version of an installed package without what tells its build, "" where it is not."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return ""
