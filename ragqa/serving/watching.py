"""Tell when notes change on disk."""

import logging
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from watchfiles import Change, watch

logger = logging.getLogger("ragqa")

DEBOUNCE_MS = 400
"""How long the folder must be quiet before a change is reported; at most `LONGEST_MS` in all."""

LONGEST_MS = 3_000
POLL_MS = 1_000

_IGNORED = frozenset({".git", ".obsidian", ".trash", "node_modules"})


def changes(folder: Path, stop: threading.Event) -> Iterator[None]:
    """Yield after each burst of changes in a folder, until `stop` is set.

    Where the system cannot report changes (no inotify watches left, some network file systems), the
    folder is scanned every second instead.
    """
    for polling in (False, True):
        try:
            for _ in watch(
                folder,
                watch_filter=partial(_is_of_notes, folder),
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
            logger.warning("%s cannot be watched, so it is scanned: %s", folder, exc)
        else:
            return


def _is_of_notes(folder: Path, change: Change, path: str) -> bool:
    """Whether a change may concern a note; a renamed folder is reported as the folder alone."""
    del change
    return _IGNORED.isdisjoint(Path(os.path.relpath(path, folder)).parts)
