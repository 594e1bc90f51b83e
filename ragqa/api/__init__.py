"""The Python interface, which the command line also uses: an index over a folder of notes."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragqa.api.index import MIN_POOL, Index, ShowProgress, was_allowed
from ragqa.config import Loaded, load_settings
from ragqa.config.settings import Value, folders_in
from ragqa.stores import MayUse

__all__ = [
    "MIN_POOL",
    "Index",
    "index_from",
    "open_index",
]

_logger = logging.getLogger("ragqa")


def open_index(
    corpus: str | Path | Sequence[str | Path] | None = None,
    *,
    index: str | Path | None = None,
    settings: Mapping[str, Value | None] | None = None,
    shown: ShowProgress | None = None,
) -> Index:
    """Open the index of a folder of notes, as `ragqa.open_index` does.

    :param shown: makes a context manager that shows the progress of a build.
    :raises NoCorpus: no notes folder is known.
    :raises UsageError: an unknown setting, or an invalid value.
    """
    flags: dict[str, Value | None] = dict(settings or {})
    flags |= {
        "corpus": None if corpus is None else folders_in(corpus),
        "index": None if index is None else str(index),
    }
    loaded = load_settings(flags)
    for warning in loaded.warnings:
        _logger.warning(warning)
    return index_from(loaded, shown=shown)


def index_from(
    loaded: Loaded, *, may_use: MayUse = was_allowed, shown: ShowProgress | None = None
) -> Index:
    """Open the index that these settings name; raises as `open_index` does.

    :param may_use: whether a host may store notes; called before anything is sent to it.
    """
    return Index(loaded.settings, loaded.places, may_use=may_use, shown=shown)
