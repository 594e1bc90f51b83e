"""The day of each note, and what it is taken from."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import PurePosixPath

from ragqa.text.dates import day_of
from ragqa.types import Dated, NoteRecord, NoteState, in_words

EDITED_KEYS = (
    "updated", "lastupdated", "updatedat", "dateupdated",
    "modified", "lastmodified", "modifiedat", "datemodified", "lastmod", "lastedited",
)  # fmt: skip
"""Keys of front matter that have the day of the last edit, as `folded_key` gives them."""

_EPOCH, _DAY_NS = date(1970, 1, 1).toordinal(), 86_400_000_000_000
_MANY, _SHARE = 5, 5
"""A day that so many notes have, and more than this part of all, is that of an import."""


def dates_of(
    states: Mapping[str, NoteState] | Mapping[str, NoteRecord],
    record_of: Callable[[str], NoteRecord],
) -> Callable[[str], Dated]:
    """Gives the day of the note at a path; none where many notes have the same, as after an import.

    Where a note says no day, its file's last change counts, unless most files changed on the same
    day: then they were copied, as by `git clone`.
    """
    changed_on = Counter(map(_changed, states.values()))
    written_on = Counter(state.date for state in states.values())
    many = max(_MANY, len(states) // _SHARE + 1)
    copied = [day for day, count in changed_on.items() if 2 * count > len(states)]
    imported = [day for day, count in written_on.items() if count >= many]

    def dated(path: str) -> Dated:
        state = states.get(path)
        if state is None:
            return Dated()
        day = state.date
        # A day more, since days begin elsewhere at another time.
        changed, latest = (date.fromordinal(_changed(state) + n).isoformat() for n in (0, 1))
        if day and day in imported:
            return Dated("", "", latest)
        if day and any(folded_key(key) in EDITED_KEYS for key, _ in record_of(path).properties):
            return Dated(day, "edited", day)
        if day:
            in_name = day in (day_of(PurePosixPath(path).stem), day_of(in_words(path)))
            return Dated(day, "name", day) if in_name else Dated(day, "note", latest)
        is_copied = _changed(state) in copied
        return Dated("", "", latest) if is_copied else Dated(changed, "file", latest)

    return dated


def _changed(state: NoteState | NoteRecord) -> int:
    """The day on which a file was last changed, in UTC, as the number of `date.fromordinal`."""
    return _EPOCH + state.stamp.mtime_ns // _DAY_NS


def folded_key(key: str) -> str:
    """A key in lower case, without what separates its words."""
    return re.sub(r"[\s_-]", "", key).lower()
