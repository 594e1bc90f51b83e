"""Descriptions of an index and of what was done to it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import add
from typing import TypeAlias

from msgspec import Struct, structs

from ragqa.types.notes import JsonShape, NoteRecord, NoteState, Remark, Skipped, with_parents

_ALL = "; all of them: ragqa status --json"
Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with (stage, done, total) during work."""


def no_progress(stage: str, done: int, total: int) -> None:
    """A `Progress` that does nothing."""


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 note", "2 notes"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def by_kind(remarks: Iterable[Remark]) -> list[str]:
    """A line for each kind of remark: the only one, or how many there are and the first."""
    kinds = defaultdict[str, list[Remark]](list)
    for remark in remarks:
        kinds[remark.reason.partition(":")[0]].append(remark)
    return [
        f"{len(of)} files: {kind}, such as {of[0].path}{of[0].reason.removeprefix(kind)}{_ALL}"
        if len(of) > 1
        else str(of[0])
        for kind, of in kinds.items()
    ]


@dataclass(frozen=True, slots=True)
class EmbedderInfo:
    """The embedder's fingerprint: everything whose change invalidates old embeddings.

    `window` is in tokens, special tokens included. `weights_sha256` is the digest of the weights,
    `revision` the commit of a model of the hub, "" for any other.
    """

    name: str
    weights_sha256: str
    dimension: int
    window: int
    pooling: str
    query_prompt: str = ""
    passage_prompt: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class DenseInfo:
    """How the nearest vectors are found.

    `kind` is "exact" (compares every vector), "ivf" (visits the `probes` nearest of `lists`) or
    "hnsw" (searches a graph). `recall` is recall@10 of a sample of "ivf" against exact search.
    """

    kind: str = "exact"
    lists: int = 0
    probes: int = 0
    recall: float = 1.0


class Pieces(Struct, frozen=True):
    """The word pieces that the embedder cuts texts into, those without a letter or digit left out.

    `number` counts them. Of those that it knows and that have two letters or more, `known_bytes`
    are the UTF-8 bytes, and `words` counts those that are a whole word.
    """

    number: int = 0
    known_bytes: int = 0
    words: int = 0

    def __add__(self, other: "Pieces") -> "Pieces":
        return Pieces(*map(add, structs.astuple(self), structs.astuple(other)))


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """The contents of one generation of an index, and how it was made.

    `not_embedded` counts the passages that have no embedding yet, and are found by words alone.
    """

    JSON = JsonShape("generation embedder=embedder.name notes passages")

    generation: int
    embedder: EmbedderInfo
    dtype: str
    canary: tuple[float, ...]
    chunking: Mapping[str, int | str]
    notes: int
    passages: int
    corpus: str
    created: str
    skipped: tuple[Skipped, ...] = ()
    dense: DenseInfo = DenseInfo()
    languages: Mapping[str, Pieces] = field(default_factory=dict)
    not_embedded: int = 0


class Waiting(Struct, frozen=True):
    """New and changed files that an index lacks; `is_long` if too long before a question."""

    files: int
    is_long: bool

    def notice(self, command: str) -> str:
        """A sentence to show with a result that was made without these files.

        :param command: reads them; "" if they are being read already.
        """
        is_one = self.files == 1
        waits, it, it_is = ("waits", "it", "it is") if is_one else ("wait", "them", "they are")
        then = f"to read {it}: {command}" if command else f"{it_is} being read now"
        wait = f"{counted(self.files, 'file')} {waits}"
        return f"{wait} to be read, so this is from the index as it is; {then}"


class Compared(Struct, frozen=True, kw_only=True):
    """An index compared with the notes on disk: how many differ, and which files it leaves out."""

    info: IndexInfo
    added: int
    changed: int
    removed: int
    skipped: tuple[Skipped, ...]
    warnings: tuple[Remark, ...] = ()

    @property
    def warning_lines(self) -> tuple[str, ...]:
        """The warnings, each as a line."""
        return tuple(map(str, self.warnings))

    @property
    def unread(self) -> tuple[Skipped, ...]:
        """The files that cannot be read."""
        return tuple(skip for skip in self.skipped if not skip.is_left_out)

    @property
    def left_out(self) -> tuple[Skipped, ...]:
        """What a rule of the user's leaves out."""
        return tuple(skip for skip in self.skipped if skip.is_left_out)


class IndexReport(Compared, frozen=True, kw_only=True):
    """What an indexing run did; nothing, where `waiting` says what would have taken too long."""

    JSON = JsonShape(
        "notes=info.notes passages=info.passages added changed removed unchanged skipped=unread "
        "left_out warnings=warning_lines seconds index=info"
    )

    unchanged: int
    newly_skipped: tuple[Skipped, ...]
    seconds: float
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Days:
    """How many notes have each day, in ISO form or "", and how many files last changed on each.

    The latter are numbers of days since 1970, in UTC.
    """

    written: Mapping[str, int]
    changed: Mapping[int, int]

    @classmethod
    def of(cls, notes: Iterable[NoteState | NoteRecord]) -> "Days":
        """Count those of notes."""
        pairs = [(note.date, note.stamp.changed_on) for note in notes]
        return cls(Counter(day for day, _ in pairs), Counter(day for _, day in pairs))


class Tag(Struct, frozen=True):
    """A tag with the number of notes that have it or one nested in it."""

    tag: str
    notes: int


class NoteList(Struct, frozen=True):
    """The notes of an index that pass the filters, by path; `waiting` files are not in it yet."""

    JSON = JsonShape("notes tags=tag_counts warnings waiting index=info", optional="notes tags")

    notes: tuple[NoteRecord, ...]
    info: IndexInfo
    warnings: tuple[str, ...] = ()
    waiting: int = 0

    @property
    def tags(self) -> dict[str, int]:
        """Each tag, by name, with the number of notes that have it or one nested in it.

        Tags that differ only in case count as one, in the spelling that comes first.
        """
        counts, spelled = Counter[str](), dict[str, str]()
        for note in self.notes:
            tags = {above for tag in note.tags for above in with_parents(tag)}
            for tag in sorted(tags):
                spelled.setdefault(tag.casefold(), tag)
            counts.update({tag.casefold() for tag in tags})
        return {spelled[tag]: notes for tag, notes in sorted(counts.items())}

    @property
    def tag_counts(self) -> tuple[Tag, ...]:
        """The tags as a list."""
        return tuple(Tag(*counted) for counted in self.tags.items())


class Building(Struct, frozen=True):
    """Another process that writes the index: its start in UTC, and passages embedded so far."""

    since: str
    embedded: int

    def __str__(self) -> str:
        began = datetime.fromisoformat(self.since).astimezone()
        many = counted(self.embedded, "passage")
        return f"since {began:%Y-%m-%d %H:%M:%S}, {many} embedded so far"
