"""From a note to passages: runs of whole units that lose nothing and fit the embedder's window."""

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ragqa.passages import Chunking
from ragqa.passages.language import with_own_languages
from ragqa.passages.packing import common_path, cut, fit, follows, join_small, sections
from ragqa.passages.parts import HeadingPath, Part, Trail, fit_trails, note_parts
from ragqa.passages.tokens import CountTokens, Size, TokenCounter
from ragqa.text.words import compiled
from ragqa.types import Note, Passage, Unit


def split_note(
    note: Note, *, chunking: Chunking, window: int, count_tokens: CountTokens
) -> list[Passage]:
    """Split a note into passages, in order, that together cover all the text of its blocks.

    A passage covers one section, or a few very small ones under the same heading. Its heading is
    the path shared by all its text; the rest of a unit's path is in the unit's context. Title and
    heading are shortened if they would take more than half of the window. No sentence, item, row
    or block of code is cut, and no heading separated from its text, unless too long by itself; a
    block of 15 lines or more may be cut at its blank lines.

    :param window: the most tokens of a passage's embedded text by `count_tokens`, which includes
        special tokens.
    :raises IndexUnusable: tiktoken's ranks are missing or damaged.
    :raises ValueError: the window is too small for any text.
    """
    counter = TokenCounter(
        note.text, max_tokens=chunking.max_tokens, window=window, count_tokens=count_tokens
    )
    parts = note_parts(note, counter, secrets=chunking.secrets)
    paths = {part.path for part in parts}
    splitter = _Splitter(
        note=note,
        chunking=chunking,
        counter=counter,
        trails=fit_trails(note.title, paths | {path[:-1] for path in paths}, counter=counter),
        line_ends=[found.start() for found in compiled("\n").finditer(note.text)],
    )
    runs = join_small(
        map(splitter.runs, sections(note.text, parts)),
        small_tokens=chunking.small_tokens,
        fits=splitter.fits,
    )
    passages = with_own_languages(splitter.passages(runs), note, chunking.language)
    return list(_numbered(passages))


@dataclass(frozen=True, slots=True)
class _Splitter:
    note: Note
    chunking: Chunking
    counter: TokenCounter
    trails: Mapping[HeadingPath, Trail]
    line_ends: Sequence[int]

    def runs(self, section: Sequence[Part]) -> list[list[Part]]:
        """Cut a section where it is too long."""
        return self._cut(section, self.room(section))

    def room(self, run: Sequence[Part]) -> int:
        """The embedder's tokens that the window leaves beside the run's trail."""
        return self.counter.room - self.trails[common_path(run)].pieces

    def fits(self, run: Sequence[Part]) -> bool:
        """Whether a run of small sections may be one passage."""
        text = self.note.text
        is_whole = all(follows(text, before, after) for before, after in pairwise(run))
        return is_whole and _pieces(run) <= self.room(run)

    def passages(self, runs: Sequence[list[Part]]) -> list[Passage]:
        """Make each run a passage; one longer than the sum of its parts is cut again."""
        made = [self._passage(run) for run in runs]
        lengths = self.counter.pieces([passage.embedded_text for passage in made])
        passages: list[Passage] = []
        for run, passage, length in zip(runs, made, lengths, strict=True):
            excess = length - self.counter.room
            if excess <= 0:
                passages.append(passage)
            else:
                passages += self.passages(self._smaller(run, max(1, _pieces(run) - excess)))
        return passages

    def _smaller(self, run: list[Part], pieces: int) -> list[list[Part]]:
        """Cut a run in two or more, between units if possible."""
        headings = [part for part in run[:-1] if not part.is_text]
        is_one_text = len(headings) == len(run) - 1
        while True:
            divide = is_one_text and 2 * _pieces(headings) <= pieces
            smaller = self._cut(run, pieces, divide=divide)
            if len(smaller) > 1:
                return smaller
            if pieces == 1:
                raise ValueError(f"a character of {self.note.path!r} does not fit the window")
            # This embedder also counts the white space between units.
            pieces = max(1, pieces * 3 // 4)

    def _cut(self, parts: Sequence[Part], pieces: int, *, divide: bool = True) -> list[list[Part]]:
        """Cut into runs of at most so many pieces.

        :param divide: whether to divide parts that are longer.
        """
        target, limit = self.chunking.target_tokens, Size(self.chunking.max_tokens, pieces)
        if divide:
            parts = fit(parts, counter=self.counter, target_tokens=target, limit=limit)
        return cut(parts, target_tokens=target, limit=limit)

    def _passage(self, parts: Sequence[Part]) -> Passage:
        """Make the passage of a run, without its id."""
        note, path = self.note, common_path(parts)
        trail = self.trails[path]
        start, end = parts[0].unit.start, parts[-1].unit.end
        return Passage(
            id=0,
            embedding_key=0,
            path=note.path,
            title=trail.title,
            start=start,
            end=end,
            lines=(self._line(start), self._line(max(start, end - 1))),
            heading=trail.heading,
            text=note.text[start:end],
            units=tuple(_with_own_heading(part, len(path)) for part in parts),
            note_sha256=note.sha256,
            note_date=note.date,
            aliases=note.aliases,
            language=note.language,
        )

    def _line(self, position: int) -> int:
        return bisect_left(self.line_ends, position) + 1


def _pieces(run: Iterable[Part]) -> int:
    return sum(part.size.pieces for part in run)


def _with_own_heading(part: Part, depth: int) -> Unit:
    own = " > ".join(part.path[depth:])
    if not own or not part.is_text:
        return part.unit
    context = f"{own}: {part.unit.context}" if part.unit.context else own
    return replace(part.unit, context=context)


def _numbered(passages: Iterable[Passage]) -> Iterator[Passage]:
    seen: Counter[str] = Counter()
    for passage in passages:
        text = passage.embedded_text
        yield replace(
            passage,
            id=_hash64(passage.path, text, str(seen[text])),
            embedding_key=_hash64(text),
        )
        seen[text] += 1


def _hash64(*texts: str) -> int:
    content = b"\0".join(text.encode("utf-8", "surrogatepass") for text in texts)
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big", signed=True)
