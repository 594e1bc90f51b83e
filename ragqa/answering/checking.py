"""Hold what the index says against the notes as they are now."""

from collections.abc import Sequence
from pathlib import Path

from ragqa.notes import read_text
from ragqa.types import Hit, Skipped


def keep_current(
    corpus: Path, hits: Sequence[Hit], *, max_note_bytes: int
) -> tuple[list[Hit], list[str]]:
    """The hits whose text stands in its note byte for byte, and a warning for each other note."""
    problems: dict[str, str] = {}
    texts: dict[str, str] = {}
    kept = []
    for hit in hits:
        passage = hit.passage
        if passage.path not in texts and passage.path not in problems:
            read = read_text(corpus, passage.path, max_note_bytes=max_note_bytes)
            if isinstance(read, Skipped):
                problems[passage.path] = read.reason
            elif read.sha256 != passage.note_sha256:
                problems[passage.path] = "it was changed after it was indexed"
            else:
                texts[passage.path] = read.text
        text = texts.get(passage.path)
        if text is not None and text[passage.start : passage.end] == passage.text:
            kept.append(hit)
    warnings = [
        f"{path} is left out, since the index no longer tells what it says: {problem}; "
        "run ragqa index"
        for path, problem in problems.items()
    ]
    return kept, warnings
