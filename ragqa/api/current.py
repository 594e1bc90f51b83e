"""The index as the notes are now, and what is found in it and still stands in them."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering import OpenNote, keep_current, section_of
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
"""At least so many passages are retrieved, since confidence looks at more than are shown."""

SECTION_WORDS = 150
"""A longer section is not given to an LLM whole: the check of what it writes reads no further."""

_LOOK_AGAIN_S = 0.5
_OF_ANOTHER_TIME = "this folder and the shared index are of different times"


Shown = Callable[[], AbstractContextManager[Progress]]
"""Gives what shows the progress of a build."""


def hidden() -> AbstractContextManager[Progress]:
    """Show nothing of it."""
    return nullcontext(no_progress)


def retrieve_current(
    index: "Index", snapshot: Snapshot, question: str, filters: Filters, *, wanted: int
) -> tuple[Retrieved, list[str]]:
    """Retrieve so many passages that stand in their notes as they are now, if there are any.

    :returns: also a warning for each note that has changed, and where terms alone were asked.
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
            remedy=_OF_ANOTHER_TIME if index.kept.is_shared else "run ragqa index",
        )
        if len(current) >= wanted or len(found.hits) < k:
            warnings = [*stale, *([BY_TERMS_ALONE] if found.by_terms_alone else ())]
            return replace(found, hits=tuple(current[:wanted])), warnings
        k *= 4


def with_sections(hits: Sequence[Hit], open_note: OpenNote) -> list[Hit]:
    """The hits with their whole sections for passages, where these are not long."""
    return [
        replace(hit, passage=section_of(hit.passage, open_note, most_words=SECTION_WORDS))
        for hit in hits
    ]


def await_writer(index: "Index", progress: Progress) -> None:
    """Wait while another process is known to write the index, and tell how far it is."""
    while building := index.building():
        progress("queueing", building.embedded, 0)
        time.sleep(_LOOK_AGAIN_S)


def catch_up(index: "Index", progress: Progress | None) -> list[str]:
    """Refresh before a question; where that cannot be, say so and go on with what there is.

    A shared index is only looked at anew: another machine may have changed it.
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
