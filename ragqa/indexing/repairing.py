"""Check an index against its notes and its embedder, and build anew what is damaged."""

import heapq
from collections.abc import Sequence
from contextlib import closing
from operator import attrgetter

import numpy as np
from msgspec import Struct

from ragqa.embedders import Embedder
from ragqa.errors import IndexUnusable
from ragqa.indexing.refresh import refresh
from ragqa.indexing.source import Source, check_embedder, check_origin
from ragqa.notes import NoteText, read_text
from ragqa.stores import Snapshot, Store
from ragqa.types import IndexInfo, Passage, Progress, counted, no_progress

SAMPLE = 64
"""How many passages to embed again."""

MIN_COSINE = 0.99
"""Both forms of an embedder, in any number format, yield cosines above this."""

_NAMED = 3


class Checked(Struct, frozen=True):
    """The result of checking an index against its notes and its embedder.

    `notes` counts those that are unchanged since they were indexed, `embedded` the passages that
    were embedded again; `lowest` is the lowest cosine of a new embedding with the stored one.
    """

    notes: int
    embedded: int
    lowest: float
    faults: tuple[str, ...]


def check_passages(
    snapshot: Snapshot, source: Source, embedder: Embedder, *, progress: Progress
) -> Checked:
    """Find each passage in its note, if the note is unchanged, and embed a sample again.

    :param embedder: the one that the index was built with.
    :param progress: is called with ("comparing", done, total) for each note.
    """
    unchanged, total = 0, len(snapshot.states())
    misplaced: list[Passage] = []
    sample: list[Passage] = []
    for done, (path, passages) in enumerate(snapshot.by_note(), start=1):
        progress("comparing", done, total)
        if not passages:
            continue
        read = read_text(source.corpus, path, max_note_bytes=source.max_note_bytes)
        if isinstance(read, NoteText) and read.sha256 == passages[0].note_sha256:
            unchanged += 1
            misplaced += [each for each in passages if not each.stands_in(read.text)]
        # Ids are hashes, so the lowest are a random sample, and always the same.
        sample = heapq.nsmallest(SAMPLE, [*sample, *passages], key=attrgetter("id"))
    faults = []
    if misplaced:
        number = counted(len(misplaced), "passage")
        where = _first(misplaced)
        faults.append(f"the index has {number} not found in the unchanged notes, {where}")
    cosines = _cosines(snapshot, sample, embedder)
    lowest = min(cosines, default=1.0)
    pairs = zip(sample, cosines, strict=True)
    if differing := [passage for passage, cosine in pairs if not cosine >= MIN_COSINE]:
        faults.append(
            f"{len(differing)} of {counted(len(sample), 'passage')} got another embedding when "
            f"embedded again, {_first(differing)}; the lowest cosine is {lowest:.3f}"
        )
    return Checked(unchanged, len(sample), lowest, tuple(faults))


def _cosines(snapshot: Snapshot, sample: Sequence[Passage], embedder: Embedder) -> list[float]:
    """The cosine of each passage's stored embedding with a new one."""
    texts = [passage.embedded_text for passage in sample]
    # A tampered passage may exceed the embedder's window.
    window = embedder.info.window
    fitting = zip(texts, embedder.count_tokens(texts), strict=True)
    embedded = embedder.embed_passages([text if n <= window else "" for text, n in fitting])
    stored = snapshot.vectors([passage.id for passage in sample])
    nothing = np.zeros(embedded.shape[1], np.float32)
    rows = (stored.get(passage.id, nothing) for passage in sample)
    return [float(row @ vector) for row, vector in zip(rows, embedded, strict=True)]


def _first(passages: Sequence[Passage]) -> str:
    """The places of the first few passages."""
    places = [f"{p.path} from line {p.lines[0]} to {p.lines[1]}" for p in passages[:_NAMED]]
    return f"such as {', '.join(places)}"


def repair(
    store: Store, source: Source, *, wait: bool = False, progress: Progress = no_progress
) -> tuple[str, ...]:
    """Find what is damaged and build it anew; write nothing if nothing is damaged.

    Terms and lists are made from the database. If that is damaged, a build reads the notes again
    and takes over the sound embeddings, as after an interruption.

    :returns: what was done and why, each in a sentence.
    :raises NoIndex: there is nothing to repair.
    :raises NoCorpus: the notes are needed and cannot be read.
    :raises EmbedderMismatch: the index was built with another embedder.
    :raises IndexUnusable: it was built from other notes or settings, or is not writable.
    :raises WriterBusy: another process is writing it and `wait` is False.
    """

    def check(info: IndexInfo) -> None:
        check_origin(info, source)
        check_embedder(info, source.embedders.asking)

    def build(why: str, *, rebuild: bool) -> None:
        if unreadable := source.walk().unreadable_folders:
            raise IndexUnusable(
                f"the folder {unreadable[0]} cannot be read, and the index has to be rebuilt from "
                f"the notes, which would lose those in it: to {why}",
                hint="make the folder readable, or continue without it: ragqa index --rebuild",
            )
        refresh(store, source, rebuild=rebuild, wait=wait, progress=progress)
        done.append(why)

    outcome = store.repair(check, wait=wait, progress=progress)
    done = list(outcome.done)
    if outcome.rebuild:
        build(outcome.rebuild, rebuild=outcome.anew)
    with closing(store.snapshot()) as snapshot:
        asking = source.embedders.asking
        checked = check_passages(snapshot, source, asking, progress=progress)
    if checked.faults:
        build(f"read and embedded all notes again, since {checked.faults[0]}", rebuild=True)
    return tuple(done)
