"""What both doors read from what they are given: filters, and saved answers to check."""

import io
from collections.abc import Iterable

from ragqa.clock import first_day
from ragqa.errors import UsageError
from ragqa.serving.warm import WarmIndex
from ragqa.types import Filters, no_progress
from ragqa.verifying.checking import Verification, verify
from ragqa.verifying.saved import SavedAnswer, read_saved


def filters_from(tags: Iterable[str], paths: Iterable[str], since: str, where: str) -> Filters:
    """The filters as the index takes them.

    :raises UsageError: `since` is neither "" nor a date.
    """
    try:
        day = first_day(since) if since else ""
    except ValueError as exc:
        raise UsageError(
            f"since: {since[:40]!r} is not a date", hint="2025-03-31, 2025-03 or 2025"
        ) from exc
    return Filters(tuple(tags), tuple(paths), day, where)


def saved_from(text: str) -> SavedAnswer:
    """A saved answer as pasted, JSON or Markdown.

    :raises UsageError: it is too large, damaged or not a saved answer.
    """
    return read_saved(io.BytesIO(text.encode("utf-8", "replace")), "the answer")


def check(warm: WarmIndex, saved: SavedAnswer) -> Verification:
    """Check a saved answer against the notes, which needs no index."""
    settings, corpus = warm.loaded.settings, warm.loaded.places.corpus
    return verify(
        saved, corpus, max_note_bytes=settings.max_note_bytes, formats=settings.formats,
        progress=no_progress,
    )  # fmt: skip
