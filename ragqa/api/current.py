"""Keep the index up to date, and retrieve only passages that still match their notes."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering.checking import keep_current
from ragqa.answering.layout import OpenNote, section_of
from ragqa.errors import IndexNotWritable, NoIndex, OlderFormat, WriterBusy
from ragqa.retrieval import retrieve
from ragqa.stores import Snapshot
from ragqa.types import Filters, Hit, Progress, Retrieved, no_progress

if TYPE_CHECKING:
    from ragqa.api.index import Index

BY_TERMS_ALONE = (
    "the embedder reads Latin script only, so this was found by its words alone; for a model that "
    "reads more: ragqa config set embedder_scripts all"
)

MIN_POOL = 10
"""The fewest passages to retrieve, since confidence considers more than are shown."""

SECTION_WORDS = 150
"""An LLM is not given longer sections whole: the check of its answer reads no further."""

_POLL_S = 0.5
_OUT_OF_STEP = "this folder and the shared index are out of step"


Shown = Callable[[], AbstractContextManager[Progress]]
"""Makes a context manager that shows the progress of a build."""


def silent() -> AbstractContextManager[Progress]:
    """Show no progress."""
    return nullcontext(no_progress)


def retrieve_current(
    index: "Index", snapshot: Snapshot, question: str, filters: Filters, *, wanted: int
) -> tuple[Retrieved, list[str]]:
    """Retrieve up to `wanted` passages that match their current notes.

    :returns: also warnings: for each changed note, and for a search by terms alone.
    """
    k = wanted
    while True:
        found = retrieve(
            snapshot,
            index.source.embedders.asking,
            question,
            k=k,
            filters=filters,
            ranking=index.ranking,
        )
        current, stale = keep_current(
            index.places.corpus,
            found.hits,
            max_note_bytes=index.settings.max_note_bytes,
            remedy=_OUT_OF_STEP if index.kept.is_shared else "run ragqa index",
        )
        if len(current) >= wanted or len(found.hits) < k:
            warnings = [*stale, *([BY_TERMS_ALONE] if found.by_terms_alone else ())]
            return replace(found, hits=tuple(current[:wanted])), warnings
        k *= 4


def with_sections(hits: Sequence[Hit], open_note: OpenNote) -> list[Hit]:
    """The hits with each passage widened to its whole section, unless that is long."""
    return [
        replace(hit, passage=section_of(hit.passage, open_note, most_words=SECTION_WORDS))
        for hit in hits
    ]


def await_writer(index: "Index", progress: Progress) -> None:
    """Wait while another process writes the index, and report its progress."""
    while building := index.building():
        progress("queueing", building.embedded, 0)
        time.sleep(_POLL_S)


def catch_up(index: "Index", progress: Progress | None) -> list[str]:
    """Refresh before a question; if that fails, return a warning and use the index as it is.

    A shared index is only reopened: another machine may have changed it.

    :raises WriterBusy: another process is writing, and there is no usable index.
    :raises IndexNotWritable: likewise for an index that cannot be written.
    """
    if index.kept.is_shared:
        index.close()
        return []
    try:
        report = index.refresh(progress=progress)
    except (WriterBusy, IndexNotWritable) as exc:
        index.close()
        try:
            generation = index.info().generation
        except (NoIndex, OlderFormat):
            raise exc from None
        stale = f"could not bring the index up to date, so this is from generation {generation}"
        return [f"{stale}: {exc.message}"]
    skips = (f"skipped {skip.path}: {skip.reason}" for skip in report.newly_skipped)
    return [*report.warnings, *skips]
