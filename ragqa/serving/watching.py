"""Tell when notes change on disk."""

import logging
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from watchfiles import Change, watch

logger = logging.getLogger("ragqa")

DEBOUNCE_MS = 400
"""How long the folder must be quiet before a change is reported; at most `LONGEST_MS` in all."""

LONGEST_MS = 3_000
POLL_MS = 1_000

_IGNORED = frozenset({".git", ".obsidian", ".trash", "node_modules"})


def changes(folders: Sequence[Path], stop: threading.Event) -> Iterator[None]:
    """Yield after each burst of changes in these folders, until `stop` is set.

    Where the system cannot report changes (no inotify watches left, some network file systems), the
    folders are scanned every second instead.
    """
    for polling in (False, True):
        try:
            for _ in watch(
                *folders,
                watch_filter=partial(_is_of_notes, folders),
                debounce=LONGEST_MS,
                step=DEBOUNCE_MS,
                stop_event=stop,
                force_polling=polling,
                poll_delay_ms=POLL_MS,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                yield
        except OSError as exc:
            if polling:
                raise
            logger.warning("the notes cannot be watched, so they are scanned: %s", exc)
        else:
            return


def _is_of_notes(folders: Sequence[Path], change: Change, path: str) -> bool:
    """Whether a change may concern a note; a renamed folder is reported as the folder alone."""
    del change
    inside = (Path(path).relative_to(one) for one in folders if Path(path).is_relative_to(one))
    return any(_IGNORED.isdisjoint(below.parts) for below in inside)
