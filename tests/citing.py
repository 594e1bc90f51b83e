"""Citations of whole notes, made as ragqa makes those of an answer."""

from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.passages.split import split_note
from ragqa.types import Citation, Cut


def words(texts):
    """A tokenizer for which a word is a token, with two special tokens."""
    return [2 + len(text.split()) for text in texts]


def units_of(text, path="note.md"):
    """The units of a note, in order."""
    note = parse_note(path, text)
    passages = split_note(note, chunking=Chunking(), window=10_000, count_tokens=words)
    return tuple(unit for passage in passages for unit in passage.units)


def cited(text, quote="", *, answers=(), short="", cut=(False, False), whole=False):
    """A citation of a note, or of a quote in it that begins and ends with units.

    :param answers: quotes that answer.
    :param short: the words that answer directly.
    :param whole: whether the rest of the note is shown around it.
    """
    units = units_of(text)
    start = text.index(quote) if quote else units[0].start if units else 0
    end = start + len(quote) if quote else units[-1].end if units else 0
    return Citation(
        n=1,
        path="note.md",
        lines=(1, 1),
        chars=(start, end),
        heading=(),
        quote=text[start:end],
        note_sha256="0" * 64,
        score=1.0,
        units=tuple(each for each in units if whole or start <= each.start < each.end <= end),
        answer_spans=tuple(_span(text, answer) for answer in answers),
        span=_span(text, short) if short else None,
        cut=Cut(*cut),
        before=text[units[0].start : start] if whole else "",
        after=text[end : units[-1].end] if whole else "",
    )


def _span(text, words):
    return text.index(words), text.index(words) + len(words)
