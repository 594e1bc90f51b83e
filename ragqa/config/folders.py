"""The setting `corpus`: a folder of notes, or several with names."""

import glob
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from ragqa.config.setting import absolute
from ragqa.corpus import Corpus, Folder
from ragqa.errors import UsageError
from ragqa.safe import safe_line

EXPECTED = "a folder, or a list of folders, each a path or {path, name, context}"

_MAX_CONTEXT = 300


def folders_in(raw: object) -> tuple[Folder, ...] | None:
    """The folders that a setting or the environment names; None if it cannot name any."""
    listed = raw if isinstance(raw, list | tuple) else [raw]
    folders = [_folder_in(one) for one in listed]
    return None if None in folders else tuple(one for one in folders if one)


def several(text: str) -> list[str]:
    """The paths in a text like PATH's: with `:` between them."""
    return [one for one in text.split(os.pathsep) if one]


def _folder_in(raw: object) -> Folder | None:
    if isinstance(raw, Folder):
        return raw
    if isinstance(raw, str | Path):
        return Folder(Path(raw)) if str(raw) else None
    if not isinstance(raw, Mapping) or not {"path"} <= raw.keys() <= {"path", "name", "context"}:
        return None
    path, name, context = raw["path"], raw.get("name", ""), raw.get("context", "")
    texts = all(isinstance(text, str) for text in (path, name, context))
    if not texts or not path or len(context) > _MAX_CONTEXT or not _is_a_name(name):
        return None
    return Folder(Path(path), name, " ".join(context.split()))


def _is_a_name(name: str) -> bool:
    return name not in (".", "..") and "/" not in name and safe_line(name) == name


def corpus_given(paths: Sequence[str]) -> Corpus:
    """The corpus of folders named on the command line.

    :raises UsageError: one of them is not there, or as `corpus_of` does.
    """
    for path in paths:
        if not Path(path).expanduser().is_dir():
            raise UsageError(f"there is no folder {path}", hint="--corpus DIR")
    folders = (Folder(absolute(path, Path.cwd())) for path in paths)
    return corpus_of(tuple(folders))


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
