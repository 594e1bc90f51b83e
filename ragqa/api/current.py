"""What is found for a question and still stands in its notes."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering import keep_current
from ragqa.retrieval import retrieve
from ragqa.stores import Snapshot
from ragqa.types import Filters, Retrieved

if TYPE_CHECKING:
    from ragqa.api.index import Index

_OF_ANOTHER_TIME = "this folder and the shared index are of different times"


def retrieve_current(
    index: "Index", snapshot: Snapshot, question: str, filters: Filters, *, wanted: int
) -> tuple[Retrieved, list[str]]:
    """Retrieve so many passages that stand in their notes as they are now, if there are any.

    :returns: also a warning for each note that has changed.
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
            mend=_OF_ANOTHER_TIME if index.kept.is_shared else "run ragqa index",
        )
        if len(current) >= wanted or len(found.hits) < k:
            return replace(found, hits=tuple(current[:wanted])), stale
        k *= 4
