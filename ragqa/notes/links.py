"""What a link between notes means: the note by its name, and the place in it by its anchor."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from urllib.parse import unquote

from ragqa.text.words import compiled
from ragqa.types import HIDDEN, Block, Kind, NoteRecord, Span

BLOCK_ID = r"(?<![^\s>])\^([A-Za-z0-9-]+)\s*\Z"
_BLANK_LINE = r"(?>\r\n|\r|\n)[ \t]*[\r\n]"
_BETWEEN_WORDS = r"[\W_]+"


@dataclass(frozen=True, slots=True)
class NoteNames:
    """Finds the notes that links mean, as Obsidian does, by path, end of a path, title or alias."""

    by_name: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[NoteRecord]) -> "NoteNames":
        """The names of these notes."""
        files, others = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for note in records:
            parts = note.path.casefold().split("/")
            for at in range(len(parts)):
                end = "/".join(parts[at:])
                for name in {end, _stem(end)}:
                    files[name].append(note.path)
            for name in {name.casefold() for name in (note.title, *note.aliases)}:
                others[name].append(note.path)
        return cls({**others, **files})

    def path_of(self, name: str, source: str = "") -> str:
        """The path of the note that a link in the note `source` means; "" if there is none.

        The one beside `source` comes first, then the one at this path, with most folders in common,
        and with the shortest path.
        """
        name = posixpath.normpath(unquote(name).strip().lstrip("/") or "/").casefold()
        folder = posixpath.dirname(source).casefold()
        beside = posixpath.normpath(posixpath.join(folder, name))
        whole = [path for path in self.by_name.get(beside, ()) if _is(path, beside)]

        def rank(path: str) -> tuple[bool, int, int, str]:
            pairs = zip(folder.split("/"), path.casefold().split("/"), strict=False)
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            return not _is(path, name), -shared, len(path), path

        return min(whole or self.by_name.get(name, ()), key=rank, default="")


def _is(path: str, name: str) -> bool:
    """Whether a name in lower case is a whole path, with or without suffix."""
    return name in (path.casefold(), _stem(path.casefold()))


def _stem(path: str) -> str:
    return posixpath.splitext(path)[0]


def place_of(text: str, blocks: Sequence[Block], anchor: str) -> Span | None:
    """The section of a heading, or the block `^id`, that an anchor names; None without one."""
    if (last := anchor.rpartition("#")[2].strip()).startswith("^"):
        return _block_of(text, blocks, last[1:].casefold())
    return section_of(blocks, len(text), anchor)


def section_of(blocks: Sequence[Block], size: int, anchor: str) -> Span | None:
    """The section of a heading, up to the next one of its level or above; None without one.

    Of several headings with the name, the first below those named before it (`a#b`) counts.

    :param size: of the note's text.
    """
    headings = [block for block in blocks if block.kind is Kind.HEADING]
    labels = [folded(heading.label) for heading in headings]
    *above, wanted = map(folded, anchor.split("#"))
    at = 0
    for step in above:
        at = labels.index(step, at) if step in labels[at:] else at
    if wanted not in labels:
        return None
    at = labels.index(wanted, at if wanted in labels[at:] else 0)
    level = headings[at].level
    ends = (heading.start for heading in headings[at + 1 :] if heading.level <= level)
    return headings[at].start, next(ends, size)


def _block_of(text: str, blocks: Sequence[Block], name: str) -> Span | None:
    """Where the block with this id (`^id`, in lower case) stands, with the items nested in it.

    An id on a line of its own belongs to the list, table, quotation or paragraph above.
    """
    for at, block in enumerate(blocks):
        mark = compiled(BLOCK_ID).search(text, block.start, block.end)
        if mark is None or block.kind in {*HIDDEN, Kind.CODE} or mark[1].casefold() != name:
            continue
        first = last = at
        if text[block.start : mark.start()].strip(" \t>"):
            own = (item.kind is Kind.ITEM and item.level > block.level for item in blocks[at + 1 :])
            last += sum(takewhile(bool, own)) if block.kind is Kind.ITEM else 0
        else:
            first = last = max(0, at - 1)
            while (
                first
                and blocks[first - 1].kind is not Kind.HEADING
                and not compiled(_BLANK_LINE).search(
                    text, blocks[first - 1].end, blocks[first].start
                )
            ):
                first -= 1
        return blocks[first].start, blocks[last].end
    return None


def folded(heading: str) -> str:
    """A heading's words in lower case, which match however it is typed or linked."""
    return compiled(_BETWEEN_WORDS).sub(" ", heading.casefold()).strip()
