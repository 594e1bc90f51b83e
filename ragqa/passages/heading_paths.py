"""Shortens titles and heading paths to fit above every passage."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain

from ragqa.passages.parts import HeadingPath
from ragqa.passages.token_counter import Ruler
from ragqa.types import Passage

# No window fits more; this spares the tokenizer a heading of a megabyte.
_MAX_LABEL_CHARS = 1000

_BLANK = Passage(
    id=0,
    embedding_key=0,
    path="",
    title="",
    start=0,
    end=0,
    lines=(1, 1),
    heading=(),
    text="",
    units=(),
    note_sha256="",
)


@dataclass(frozen=True, slots=True)
class Trail:
    """The title and headings above a passage; `pieces` is their length in the embedder's tokens."""

    title: str
    heading: HeadingPath
    pieces: int

    @property
    def text(self) -> str:
        """The text of `Passage.trail`."""
        return replace(_BLANK, title=self.title, heading=self.heading).trail


def fit_trails(
    title: str, paths: Iterable[HeadingPath], *, ruler: Ruler
) -> dict[HeadingPath, Trail]:
    """The trail of each heading path, shortened to about half of the ruler's room.

    A title or heading of more than a quarter of the room is cut. If the whole still exceeds half,
    headings are dropped from the outside in; the innermost stays.
    """
    distinct = list(dict.fromkeys(paths))
    labels = _fit_labels([title, *chain.from_iterable(distinct)], ruler)
    headings = [tuple(labels[label] for label in path) for path in distinct]
    trails = [Trail(labels[title], heading, 0) for heading in headings]
    lengths = ruler.pieces([trail.text for trail in trails])
    return {
        path: _shortened(replace(trail, pieces=pieces), ruler)
        for path, trail, pieces in zip(distinct, trails, lengths, strict=True)
    }


def _shortened(trail: Trail, ruler: Ruler) -> Trail:
    while trail.pieces > ruler.room // 2 and len(trail.heading) > 1:
        shorter = replace(trail, heading=trail.heading[1:])
        trail = replace(shorter, pieces=ruler.pieces([shorter.text])[0])
    return trail


def _fit_labels(labels: Iterable[str], ruler: Ruler) -> dict[str, str]:
    distinct = list(dict.fromkeys(labels))
    short = [_encodable(label[:_MAX_LABEL_CHARS]) for label in distinct]
    lengths = ruler.pieces(short)
    return {
        label: text if len(label) == len(text) and pieces <= ruler.room // 4 else _cut(text, ruler)
        for label, text, pieces in zip(distinct, short, lengths, strict=True)
    }


def _cut(text: str, ruler: Ruler) -> str:
    while len(text) > 1 and ruler.pieces([f"{text}…"])[0] > ruler.room // 4:
        text = text[: len(text) * 3 // 4]
    return f"{text.rstrip()}…"


def _encodable(text: str) -> str:
    """Replace lone surrogates, which a file name can contain and a tokenizer rejects."""
    return text.encode("utf-8", "replace").decode("utf-8")
