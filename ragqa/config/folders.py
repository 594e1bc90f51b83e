"""The folders of notes that a setting or the command line names."""

import glob
import os
from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from ragqa.corpus import Corpus, Folder
from ragqa.errors import UsageError
from ragqa.safe import safe_line

EXPECTED = "a folder, or a list of folders, each a path or {path, name, context}"


class _Table(Struct, forbid_unknown_fields=True):
    """A folder as a table of a settings file."""

    path: Annotated[str, Meta(min_length=1)]
    name: Annotated[str, Meta(pattern=r"\A(?!\.{1,2}\Z)[^/]*\Z")] = ""
    context: Annotated[str, Meta(max_length=300)] = ""


def folders_in(raw: object) -> tuple[Folder, ...]:
    """The folders that a setting or the environment names.

    :raises ValueError: it cannot name any.
    """
    return tuple(map(_folder_in, raw if isinstance(raw, list | tuple) else [raw]))


def _folder_in(raw: object) -> Folder:
    if isinstance(raw, Folder):
        return raw
    table = msgspec.convert({"path": str(raw)} if isinstance(raw, str | Path) else raw, _Table)
    if safe_line(table.name) != table.name:
        raise ValueError(table.name)
    return Folder(Path(table.path), table.name, " ".join(table.context.split()))


def absolute(path: str, folder: Path) -> Path:
    """Resolve a path relative to a folder: without `~`, links and `..`.

    :raises UsageError: a loop of links, an unknown user, or an invalid path.
    """
    try:
        return (folder / Path(path).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as exc:
        raise UsageError(f"the path {path} leads nowhere: {exc}", hint="give another path") from exc


def corpus_given(paths: Sequence[str]) -> Corpus:
    """The corpus of folders named on the command line.

    :raises UsageError: one of them is not there, or as `corpus_of` does.
    """
    for path in paths:
        if not Path(path).expanduser().is_dir():
            raise UsageError(f"there is no folder {path}", hint="name a folder that exists")
    return corpus_of(tuple(Folder(absolute(path, Path.cwd())) for path in paths))


def corpus_of(folders: tuple[Folder, ...]) -> Corpus:
    """The corpus of absolute folders; one without a name is called as it is on disk.

    :raises UsageError: two have the same name, or one lies within another.
    """
    named = tuple(one if one.name else replace(one, name=one.path.name) for one in folders)
    for inner, outer in permutations(named, 2):
        if inner.path.is_relative_to(outer.path):
            raise UsageError(
                f"the notes in {inner.path} would be read twice, since {outer.path} holds them too",
                hint="leave one of the two folders out of corpus",
            )
    name, most = Counter(one.name for one in named).most_common(1)[0]
    if most > 1:
        raise UsageError(
            f"{most} folders of notes are called {name}, and citations could not tell them apart",
            hint='name them in your settings: corpus = [{path = "DIR", name = "NAME"}, "DIR"]',
        )
    return Corpus(named)


def corpus_key(corpus: Corpus) -> str:
    """The folders as a text like PATH's: what the settings of these notes alone go by."""
    return os.pathsep.join(sorted(str(one.path) for one in corpus.folders))


def globs_in(corpus: Corpus, names: Sequence[str], globs: Sequence[str]) -> tuple[str, ...]:
    """Path globs relative to the folders with these names, as globs for the whole corpus.

    :raises UsageError: there is no such folder.
    """
    known = [one.name for one in corpus.folders]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"no folder of notes is called {unknown[0]}; there are: {', '.join(known)}",
            hint="ragqa status",
        )
    if not names or len(known) == 1:
        return tuple(globs)
    folders = [glob.escape(name) for name in names]
    return tuple(f"{one}/{below}" for one in folders for below in globs) or tuple(folders)
