"""What an index is built from and how, checks that an index was, and what has changed since."""

import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ragqa.embedders import CANARY, Embedder, Workers, embedder_for, here
from ragqa.errors import EmbedderMismatch, IndexUnusable, NeedsRebuild, NoCorpus, install_command
from ragqa.index.disk import REBUILD
from ragqa.notes import Walk, digest_of, format_of, read_text, walk_notes
from ragqa.notes.dated_paths import days_by_siblings
from ragqa.notes.formats import NO_EXTRA, how_to_read, switched_off
from ragqa.passages import Chunking
from ragqa.types import (
    Corpus,
    EmbedderInfo,
    IndexInfo,
    Note,
    NoteFile,
    NoteState,
    Passage,
    Progress,
    Skipped,
    Stamp,
    Waiting,
)

_CANARY_COSINE = 0.99

LONG_BYTES = 100_000
"""More new text is not read before a question: embedding it takes five seconds on two cores."""

BYTES_PER_TOKEN = 4

States: TypeAlias = Mapping[str, NoteState]
"""The state of each file by path, when it was read."""


@dataclass
class Embedders:
    """The two forms of one embedder, each created on first use.

    :ivar workers: starts the workers for large amounts of text.
    """

    spec: str
    make: Callable[..., Embedder] = embedder_for
    workers: Workers = here

    @cached_property
    def asking(self) -> Embedder:
        """The form that starts fast, for queries."""
        return self.make(self.spec, building=False)

    @cached_property
    def building(self) -> Embedder:
        """The form that embeds many passages fast, for indexing."""
        return self.make(self.spec, building=True)


@dataclass(frozen=True, slots=True)
class Source:
    """What an index is built from and how; a shared one has a name."""

    corpus: Corpus
    index: Path
    embedders: Embedders
    chunking: Chunking
    max_note_bytes: int
    formats: tuple[str, ...] = ()
    shared_name: str = ""

    @property
    def origin(self) -> str:
        """The corpus's path relative to the index, so that both can be moved together.

        Of a shared index, the folder's name. Of several folders, a line for each with its name.
        """
        return "\n".join(
            f"{prefix} {folder.name if self.shared_name else os.path.relpath(folder, self.index)}"
            for prefix, folder in sorted(self.corpus.prefixed)
        ).strip()

    def walk(self) -> Walk:
        """Find the notes; raises as `walk_notes` does."""
        return walk_notes(self.corpus, max_note_bytes=self.max_note_bytes, formats=self.formats)

    def split(self, note: Note, embedder: Embedder) -> tuple[Note, list[Passage]]:
        """A note with its language, and the passages that an index has of it."""
        # Late: a question to an up-to-date index needs none of it.
        from ragqa.passages.language import with_language
        from ragqa.passages.split import split_note

        note = with_language(note, self.chunking.language)
        window, count = embedder.info.window, embedder.count_tokens
        return note, split_note(note, chunking=self.chunking, window=window, count_tokens=count)


def check_origin(info: IndexInfo, source: Source) -> None:
    """Check that an index was built from this corpus with these settings; or `IndexUnusable`.

    :raises NeedsRebuild: another version of ragqa built it, with other passages.
    """
    check_corpus(info.corpus, source)
    wanted = source.chunking.as_mapping()
    if info.chunking.get("version") != wanted["version"]:
        raise NeedsRebuild(
            f"the index in {source.index} was built by another version of ragqa, with passages of "
            f"version {info.chunking.get('version')}; this one makes version {wanted['version']}",
            hint=REBUILD if source.shared_name else "ragqa index",
        )
    if dict(info.chunking) != wanted:
        raise IndexUnusable(
            f"the index in {source.index} was built with passage settings {dict(info.chunking)}, "
            f"the settings are now {wanted}",
            hint=REBUILD,
        )


def check_corpus(corpus: str, source: Source) -> None:
    """Check that an index was built from this corpus; raises `IndexUnusable`."""
    if corpus != source.origin:
        if source.shared_name:
            raise IndexUnusable(
                f"the shared index {source.shared_name} was built from a folder of notes called "
                f"{corpus}, not {source.origin}",
                hint=f"use another store_name, or replace that index for everyone: {REBUILD}",
            )
        lines = corpus.split("\n")
        places = [line.partition("/ ")[2] for line in lines] if len(lines) > 1 else lines
        built_from = ", ".join(os.path.normpath(source.index / place) for place in places)
        raise IndexUnusable(
            f"the index in {source.index} was built from the notes in {built_from}, "
            f"not from {source.corpus}",
            hint=f"use another --index, or replace it: {REBUILD}",
        )


def check_embedder(info: IndexInfo, embedder: Embedder) -> None:
    """Check by fingerprint and by vector that an embedder is the index's; or `EmbedderMismatch`."""
    built, asked = info.embedder, embedder.info
    revision = (asked.revision and built.revision) or asked.revision  # a folder has none
    if replace(built, name=asked.name, revision=revision) != asked:
        raise EmbedderMismatch(
            f"the index was built with the embedder {_describe(built)}, "
            f"but the one in use is {_describe(asked)}",
            hint=f"set the embedder back, or {REBUILD}",
        )
    canary = embedder.embed_passages([CANARY])[0]
    stored = np.asarray(info.canary, dtype=np.float32)
    cosine = float(stored @ canary) if stored.shape == canary.shape else math.nan
    if not cosine >= _CANARY_COSINE:
        raise EmbedderMismatch(
            f"the embedder {asked.name} now gives other vectors than when the index was built "
            f"(cosine {cosine:.3f} for the same sentence)",
            hint=REBUILD,
        )


def _describe(info: EmbedderInfo) -> str:
    revision = f"revision {info.revision[:12]}, " if info.revision else ""
    return (
        f"{info.name} ({revision}weights {info.weights_sha256[:12]}, {info.dimension} dimensions, "
        f"window {info.window}, {info.pooling} pooling)"
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """Notes that differ from the index, by what to do with them.

    `restamped` has unchanged notes with their new stamp, and whether it is settled. `days` has the
    ISO day of each path that names it only beside the others of its folder.
    """

    walk: Walk
    added: tuple[NoteFile, ...]
    changed: tuple[NoteFile, ...]
    restamped: tuple[tuple[str, Stamp, bool], ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    unchanged: int
    days: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.restamped or self.removed)


def _refused(base: IndexInfo | None) -> States:
    """The files that were opened for an index and left out."""
    return {skip.path: skip.state for skip in base.skipped if skip.state} if base else {}


def _suspects(walk: Walk, known: States) -> list[NoteFile]:
    """The files whose stamps do not prove them unchanged."""

    def is_current(file: NoteFile) -> bool:
        state = known.get(file.path)
        if state is None or not state.settled or state.stamp != file.stamp:
            return False
        # After the 64 digits, that of another format than Markdown has its reader's version.
        return len(state.sha256) == 64 or state.sha256.endswith(format_of(file.path).mark)

    return [file for file in walk.files if not is_current(file)]


def waiting_files(walk: Walk, base: IndexInfo | None, known: States) -> list[NoteFile]:
    """The files that may have changed; a refused one once it or its format's version has."""
    refused = _refused(base)

    def waits(file: NoteFile) -> bool:
        before = refused.get(file.path)
        is_same = before and before.stamp == file.stamp
        return not (before and is_same and before.sha256 == format_of(file.path).mark)

    return list(filter(waits, _suspects(walk, {**refused, **known})))


def ahead(
    source: Source,
    walk: Walk,
    base: IndexInfo | None,
    known: States,
    *,
    long_bytes: int | None = None,
) -> Waiting:
    """What an update would read, and whether that takes too long before a question.

    A note that was moved, or only touched, keeps its embeddings; one that was edited counts by what
    it has grown, and a passage.
    """
    files = waiting_files(walk, base, known)
    most = LONG_BYTES if long_bytes is None else long_bytes
    edit = source.chunking.target_tokens * BYTES_PER_TOKEN

    def new_text(file: NoteFile) -> float:
        before = known.get(file.path)
        grown = file.stamp.size - before.stamp.size if before else file.stamp.size
        return max(grown, 0) * format_of(file.path).text_share + (edit if before else 0)

    is_long = sum(map(new_text, files)) > most
    if is_long and known:
        digests = {state.sha256 for state in known.values()}
        digest = partial(digest_of, source.corpus, max_note_bytes=source.max_note_bytes)
        new = (new_text(file) for file in files if digest(file.path) not in digests)
        is_long = any(text > most for text in accumulate(new))  # no more is read than needed
    return Waiting(len(files), is_long)


def find_changes(
    source: Source,
    walk: Walk,
    base: IndexInfo | None,
    known: States,
    *,
    some: Collection[str] | None = None,
    progress: Progress,
) -> Changes:
    """Read each note whose stamp does not prove it unchanged, and compare it with the index.

    Notes below an unreadable folder count as unchanged, never as deleted.

    :param some: the only files to read, by path. The others wait, and so do the notes that are
        gone: one of these may be where a note was moved to.
    :raises NoCorpus: no note can be read.
    """
    refused = _refused(base)
    suspects = _suspects(walk, {**refused, **known})
    if some is not None:
        suspects = [file for file in suspects if file.path in some]
    dated = _newly_dated(walk, known, days := _days_beside(suspects, walk))
    suspects = list(dict.fromkeys([*suspects, *dated]))
    added, changed, restamped, skipped = [], [], [], list(walk.skipped)
    for done, file in enumerate(suspects, start=1):
        read = read_text(source.corpus, file.path, max_note_bytes=source.max_note_bytes)
        progress("reading", done, len(suspects))
        before = known.get(file.path)
        if isinstance(read, Skipped):
            unread = NoteState(file.stamp, format_of(file.path).mark, settled=False)
            skipped.append(Skipped(read.path, read.reason, read.state or unread))
        elif before is None:
            added.append(file)
        elif before.sha256 != read.state.sha256 or file in dated:
            changed.append(file)
        elif (before.stamp, before.settled) != (read.state.stamp, read.state.settled):
            restamped.append((file.path, read.state.stamp, read.state.settled))
    closed = tuple(
        "" if folder in ("", ".") else f"{folder.rstrip('/')}/"
        for folder in walk.unreadable_folders
    )
    there = {file.path for file in walk.files}
    same = there.difference(file.path for file in suspects)
    kept = {path for path in refused if path in same or path.startswith(closed)}
    skipped += [skip for skip in base.skipped if skip.path in kept] if base else []
    present = there - {skip.path for skip in skipped}
    gone = [path for path in known if path not in present and not path.startswith(closed)]
    removed = gone if some is None else []
    if not present and len(removed) == len(known):
        raise _no_notes(source, skipped, walk)
    return Changes(
        walk=walk,
        added=tuple(added),
        changed=tuple(changed),
        restamped=tuple(restamped),
        removed=tuple(removed),
        skipped=tuple(sorted(skipped, key=lambda skip: skip.path)),
        unchanged=len(known) - len(removed) - len(changed),
        days=days,
    )


def _days_beside(files: Sequence[NoteFile], walk: Walk) -> Mapping[str, str]:
    """The days that names in the folders of these files have beside each other."""
    folders = {file.path.rpartition("/")[0] for file in files}
    paths = (file.path for file in walk.files) if folders else ()
    return days_by_siblings(path for path in paths if path.rpartition("/")[0] in folders)


def _newly_dated(walk: Walk, known: States, days: Mapping[str, str]) -> list[NoteFile]:
    """The files of undated notes whose name has a day now that there are others beside it."""
    undated = {path for path in days if path in known and not known[path].date}
    return [file for file in walk.files if file.path in undated] if undated else []


def _no_notes(source: Source, skipped: Sequence[Skipped], walk: Walk) -> NoCorpus:
    """The error to raise if no note can be read, with the reasons."""
    hint = "give the folder that holds .md or .txt files: --corpus DIR"
    if any(skip.reason == NO_EXTRA for skip in skipped):
        hint = install_command("documents")
    elif off := switched_off(walk.others):
        hint = f"to read its files of other formats: {how_to_read(off, source.formats)}"
    rest = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    why = f"; skipped {skipped[0]}{rest}" if skipped else ""
    return NoCorpus(f"no notes found in {source.corpus}{why}", hint=hint)
