"""The Python interface, which the command line also uses: an index over a folder of notes."""

from ragqa.api.index import MIN_POOL, Index, ShowProgress, was_allowed
from ragqa.config import Loaded
from ragqa.index import MayUse

__all__ = [
    "MIN_POOL",
    "Index",
    "index_from",
]


def index_from(
    loaded: Loaded, *, may_use: MayUse = was_allowed, shown: ShowProgress | None = None
) -> Index:
    """Open the index that these settings name; nothing is read or built before the first call.

    :param may_use: whether a host may store notes; called before anything is sent to it.
    :param shown: makes a context manager that shows the progress of a build.
    :raises NoCorpus: no notes folder is known.
    """
    return Index(loaded.settings, loaded.places, may_use=may_use, shown=shown)
