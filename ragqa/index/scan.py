"""Find the files that have a question's words, before any of them is read as a note.

A word is looked for as a plain substring of the file's bytes, so that nothing need be parsed.
"""

import math
from collections.abc import Sequence
from itertools import takewhile

from ragqa.index.ranking import BM25_B, BM25_K1, inverse_frequency
from ragqa.index.source import Source
from ragqa.notes.read import read_bytes
from ragqa.text.words import index_terms, is_stop_word_anywhere, tokenize
from ragqa.types import NoteFile, Progress, no_progress

_MIN_STEM = 3
"""A stem is cut to what it shares with its word, but not to less: `happi` finds `happy`."""


def ranked(
    source: Source, files: Sequence[NoteFile], question: str, progress: Progress = no_progress
) -> list[NoteFile]:
    """The files, best first by BM25 over the words of a question; a file's path counts as text.

    Those that have none of the words, or cannot be read, are last, the newest of them first.
    """
    stems = _stems(question)
    counts, lengths = list[list[int]](), list[int]()
    for done, file in enumerate(files, start=1):
        data = read_bytes(source.corpus, file.path, max_note_bytes=source.max_note_bytes)
        text = f"{file.path}\n{data.decode('utf-8', 'replace')}".lower()
        counts.append([text.count(stem) for stem in stems])
        lengths.append(len(text))
        progress("scanning", done, len(files))
    mean = sum(lengths) / max(1, len(lengths))
    having = [sum(map(bool, column)) for column in zip(*counts, strict=True)]
    weights = [inverse_frequency(len(files), n) for n in having]

    def score(n: int) -> float:
        damping = BM25_K1 * (1 - BM25_B + BM25_B * lengths[n] / mean)
        pairs = zip(weights, counts[n], strict=True)
        return math.fsum(w * (BM25_K1 + 1) * times / (times + damping) for w, times in pairs)

    order = sorted(range(len(files)), key=lambda n: (-score(n), -files[n].stamp.mtime_ns))
    return [files[n] for n in order]


def _stems(question: str) -> list[str]:
    """What the forms of each content word of a question have in common, as far as it is known."""
    words = tokenize(question, pairs_only=True)
    content = [word for word in words if not is_stop_word_anywhere(word)] or words
    stems = dict[str, None]()
    for word in content:
        pairs = zip(word, "".join(index_terms(word)), strict=False)
        shared = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        stems[shared if len(shared) >= _MIN_STEM else word] = None
    return list(stems)
