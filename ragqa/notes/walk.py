"""Find the notes of a corpus without opening them; fast, since it runs before every question."""

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TypeAlias

from ragqa.errors import NoCorpus
from ragqa.notes.formats import NO_EXTRA, format_of, limits, suffix_of, why_format_is_off
from ragqa.notes.ignore import (
    IGNORE_FILES,
    VAULT_FOLDER,
    Problem,
    Rule,
    add_rules,
    add_vault_rules,
    excluding_rule,
)
from ragqa.notes.read import NOT_A_FILE, too_large
from ragqa.types import Corpus, NoteFile, Skipped, Stamp

SYMLINK = "a symbolic link, which is not followed"
NOT_A_NOTE = "not a file of a format that is read"
UNREADABLE = "cannot be read: Permission denied"

_ALL_READ = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


@dataclass(slots=True)
class Walk:
    """The contents of a corpus: its notes by path, and the number of other files by suffix.

    `unreadable_folders` are also `skipped`: their notes are unreachable, not deleted. `folders` are
    those looked into, on disk.
    """

    files: list[NoteFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unreadable_folders: list[str] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    def add(self, path: str, found: Stamp | str | None) -> None:
        """Add a file, as `_classified` finds it."""
        if isinstance(found, Stamp):
            self.files.append(NoteFile(path, found))
        elif found is None:
            self.others[suffix_of(path)] = self.others.get(suffix_of(path), 0) + 1
        elif found:
            self.skipped.append(Skipped(path, found))

    def add_unreadable(self, folder: str, why: str) -> None:
        """Add a folder that cannot be read, once; its path ends in `/` unless it is the topmost."""
        folder = folder[:-1] or "."
        if folder not in self.unreadable_folders:
            self.unreadable_folders.append(folder)
            self.skipped.append(Skipped(folder, why))


_Branch: TypeAlias = tuple[str, tuple[Rule, ...]]
"""A folder to visit: its path, ending in `/` ("" for the topmost), and inherited rules."""


def walk_notes(corpus: Corpus, *, max_note_bytes: int, formats: Collection[str] = ()) -> Walk:
    """Find the notes of a corpus, without hidden and ignored files, and follow no symbolic links.

    :param formats: what is read besides Markdown and text, as in the setting `formats`.
    :raises NoCorpus: none of its folders can be read at all.
    """
    walk, sizes = Walk(), limits(formats, max_note_bytes)
    unusable: list[NoCorpus] = []
    for prefix, top in corpus.prefixed:
        folders: list[_Branch] = [("", ())]
        for folder, rules in folders:  # which grows
            try:
                folders += _visit(walk, prefix, top, (folder, rules), sizes)
            except OSError as exc:
                if not folder:
                    unusable.append(_no_corpus(top, exc))
                    walk.add_unreadable(prefix, unusable[-1].message)
                    folders.clear()
                elif not isinstance(exc, FileNotFoundError | NotADirectoryError):
                    # Else it is gone since its parent was listed.
                    walk.add_unreadable(prefix + folder, _unreadable(exc))
        walk.folders += [f"{top}/{folder}" for folder, _ in folders]
    if len(unusable) == len(corpus.folders):
        raise unusable[0]
    walk.files.sort(key=attrgetter("path"))
    walk.skipped.sort(key=attrgetter("path"))
    walk.unreadable_folders.sort()
    return walk


def why_left_out(
    corpus: Corpus, path: str, *, max_note_bytes: int, formats: Collection[str] = ()
) -> str:
    """Why `walk_notes` does not return this path as a note, "" if it does; or an OSError."""
    top, path = corpus.inside(path)
    folder, rules = "", tuple[Rule, ...]()
    names = path.split("/")
    for depth, name in enumerate(names, start=1):
        entries, rules, _ = _listed(top, (folder, rules))
        if name not in entries:
            raise FileNotFoundError(folder + name)
        entry = entries[name]
        if name.startswith("."):
            return f"the name {name} begins with a dot"
        is_folder = entry.is_dir(follow_symlinks=False)
        if rule := excluding_rule(rules, folder + name, is_folder=is_folder):
            return rule.reason
        if depth < len(names) and not is_folder:
            return f"{name} is {SYMLINK if entry.is_symlink() else 'not a folder'}"
        folder += f"{name}/"
    if is_folder:
        return "a folder, not a note"
    found = _classified(entry, limits(formats, max_note_bytes))
    if isinstance(found, Stamp):
        return ""
    return found or why_format_is_off(path, formats) or NOT_A_NOTE


def _no_corpus(folder: Path, exc: OSError) -> NoCorpus:
    if isinstance(exc, FileNotFoundError):
        what = f"there is no folder {folder}"
    elif isinstance(exc, NotADirectoryError):
        what = f"{folder} is not a folder"
    else:
        what = f"the folder {folder} cannot be read: {exc.strerror or type(exc).__name__}"
    return NoCorpus(what, hint="ragqa index --corpus DIR")


def _visit(
    walk: Walk, prefix: str, top: Path, branch: _Branch, sizes: Mapping[str, int]
) -> Iterator[_Branch]:
    """Add the files of a folder to the walk; gives its subfolders."""
    folder, _ = branch
    entries, rules, problems = _listed(top, branch)
    for path, problem in problems:
        walk.add(prefix + path, problem)
    for name, entry in entries.items():
        if name.startswith("."):
            continue
        path = folder + name
        is_folder = entry.is_dir(follow_symlinks=False)
        if rules and (rule := excluding_rule(rules, path, is_folder=is_folder)):
            if not rule.line and (is_folder or suffix_of(path) in sizes):
                walk.add(prefix + path, rule.reason)
        elif is_folder:
            yield path + "/", rules
        else:
            try:
                walk.add(prefix + path, _classified(entry, sizes))
            except FileNotFoundError:
                continue  # deleted since the folder was listed
            except OSError as exc:
                walk.add_unreadable(prefix + folder, _unreadable(exc))


def _listed(
    top: Path, branch: _Branch
) -> tuple[dict[str, os.DirEntry[str]], tuple[Rule, ...], list[Problem]]:
    """The entries of a folder by name, all rules for them, and problems with its own."""
    folder, inherited = branch
    entries = {entry.name: entry for entry in os.scandir(top / folder)}
    rules, problems = list(inherited), list[Problem]()
    if VAULT_FOLDER in entries:
        problems += add_vault_rules(rules, top, folder)
    for name in IGNORE_FILES:
        if name in entries:
            problems += add_rules(rules, top, folder, name)
    return entries, tuple(rules), problems


def _classified(entry: os.DirEntry[str], sizes: Mapping[str, int]) -> Stamp | str | None:
    """A note's stamp; why a file is skipped, "" for a link of no concern; None for other files.

    :param sizes: the size limit of each suffix that is read, as `limits` has it.
    """
    most = sizes.get(suffix_of(entry.name))
    if most is None:
        if entry.is_symlink():
            with suppress(OSError):  # it leads to itself, below a file, or where nobody may look
                return SYMLINK if entry.is_dir() else ""
            return SYMLINK
        return None if entry.is_file(follow_symlinks=False) else NOT_A_FILE
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        return SYMLINK
    if not stat.S_ISREG(status.st_mode):
        return NOT_A_FILE
    if not most:
        return NO_EXTRA
    if status.st_size > most:
        return too_large(status.st_size, most, format_of(entry.name))
    if status.st_mode & _ALL_READ != _ALL_READ and not os.access(entry.path, os.R_OK):
        return UNREADABLE
    return Stamp(status.st_size, status.st_mtime_ns)


def _unreadable(exc: OSError) -> str:
    return f"the folder cannot be read: {exc.strerror or type(exc).__name__}"
