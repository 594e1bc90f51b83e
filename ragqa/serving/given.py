"""What both doors read from what they are given: filters, and saved answers to check."""

import io
from collections.abc import Iterable

from ragqa.clock import day_since
from ragqa.serving.warm import WarmIndex
from ragqa.types import Filters, no_progress
from ragqa.verifying.checking import Verification, verify
from ragqa.verifying.saved import SavedAnswer, read_saved


def filters_from(tags: Iterable[str], paths: Iterable[str], since: str, where: str) -> Filters:
    """The filters as the index takes them.

    :raises UsageError: `since` is neither "" nor a date.
    """
    return Filters(tuple(tags), tuple(paths), day_since(since), where)


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
