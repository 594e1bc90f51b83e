"""Split notes into places: the sentences, list items and table rows to ask questions about."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragqa.languages import AUTO, ENGLISH
from ragqa.passages.language import with_language
from ragqa.passages.parts import heading_paths, unit_spans
from ragqa.text.markdown import plain_text
from ragqa.text.words import index_terms, query_terms
from ragqa.types import Block, Kind, Note

MAX_PLACES = 2_000
"""At most this many places are read of one note, so that none takes minutes."""

MAX_TITLE_CHARS = 300
MAX_QUOTE_CHARS = 400
MAX_BLOCK_CHARS = 20_000
MIN_PROSE_TERMS = 4

_PLACED = frozenset({Kind.PARAGRAPH, Kind.ITEM, Kind.ROW})
_ANNOUNCES = (":", "：")  # noqa: RUF001 - the colon of Chinese

# Callouts, templates, formulas, HTML, footnotes, tasks, images, nested lists and URLs read badly
# by themselves.
_UNCLEAN = re.compile(
    r"\[!|\{\{|\$\$|\\[a-zA-Z]|</?[a-zA-Z!]|\[\^|^\s*(?:[-*+]|\d{1,9}[.)])\s+\[.\]\s|!\[|%%"
    r"|\n\s*[-*+] |\bhttps?://|\b(?:TODO|FIXME|TBD)\b"
)
_WEB_LINK = re.compile(
    r"(?<!!)\[[^\[\]]{0,300}\]\(<?https?:[^()\s]{0,300}(?: \"[^\"]{0,200}\")?>?\)"
)
_LISTING = re.compile(
    r"(?:sources?|references?|(?:external |related )?links?|bibliography|further reading|see also"
    r"|resources|citations|footnotes|table of contents|contents|参考.*|目录)\W*\Z",
    re.IGNORECASE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence, item or row of a note: its exact `quote`, and its `words` as rendered.

    `headings` is its heading path, `header` the header cells of a row, as in `Block.label`.
    `leads` is whether it comes first in the note or below its heading, not counting paragraphs
    that are not prose, such as one that announces a list. `is_prose` is whether it makes sense by
    itself and is no mere list of links. `language` is that of its note.
    """

    path: str
    title: str
    headings: tuple[str, ...]
    kind: Kind
    quote: str
    words: str
    header: str
    leads: bool
    is_prose: bool
    language: str = ENGLISH


@dataclass(frozen=True, slots=True)
class Material:
    """All notes by path, sorted, with their places; `spread` is the document frequency of terms."""

    notes: Mapping[str, Note]
    places: Sequence[Place]
    spread: Mapping[str, int]

    def is_rare(self, text: str) -> bool:
        """Whether one of its terms occurs in at most two notes, or 2% of them."""
        rarest = min((self.spread.get(term, 0) for term in index_terms(text)), default=0)
        return rarest <= max(2, len(self.notes) // 50)


def read_material(notes: Iterable[Note]) -> Material:
    """Read the places of all notes, except those whose path is not valid Unicode."""
    # A file's name may hold bytes that are not UTF-8, which stand in its path as surrogates.
    named = (note for note in notes if not _SURROGATE.search(note.path))
    told = (with_language(note, AUTO) for note in named)
    by_path = {note.path: note for note in sorted(told, key=lambda note: note.path)}
    every: list[Place] = []
    spread: Counter[str] = Counter()
    for note in by_path.values():
        places = list(_places(note))
        words = (place.words for place in places)
        spread.update(set(index_terms(" ".join((note.title[:MAX_TITLE_CHARS], *words)))))
        every += places
    return Material(by_path, every, spread)


def _places(note: Note) -> Iterator[Place]:
    leads, found = True, 0
    for block, headings in zip(note.blocks, heading_paths(note.blocks), strict=True):
        if block.kind not in _PLACED or block.end - block.start > MAX_BLOCK_CHARS:
            is_heading = block.kind is Kind.HEADING
            leads = is_heading or (leads and block.kind not in (Kind.CODE, Kind.TABLE_HEAD))
            continue
        for start, end in unit_spans(note.text, block):
            quote = note.text[start:end]
            if len(quote) > MAX_QUOTE_CHARS:
                leads = False
                continue
            place = _place(note, block, headings, quote, leads=leads)
            yield place
            leads = leads and place.kind is Kind.PARAGRAPH and not place.is_prose
            found += 1
        if found >= MAX_PLACES:
            return


def _place(
    note: Note, block: Block, headings: tuple[str, ...], quote: str, *, leads: bool
) -> Place:
    header = block.label if block.kind is Kind.ROW else ""
    words = plain_text(quote, kind=block.kind, context=header)
    is_prose = block.kind is not Kind.ROW and _is_prose(quote, words, headings)
    title = note.title[:MAX_TITLE_CHARS]
    return Place(
        note.path, title, headings, block.kind, quote, words, header, leads, is_prose, note.language
    )


def _is_prose(quote: str, words: str, headings: tuple[str, ...]) -> bool:
    alone = _WEB_LINK.sub(" ", quote)
    return (
        not words.endswith(_ANNOUNCES)
        and not _UNCLEAN.search(alone)
        and 2 * len(_LETTER.findall(words)) > len(words)
        and not any(map(_LISTING.match, headings[-1:]))
        and len(query_terms(alone)) >= MIN_PROSE_TERMS
    )
