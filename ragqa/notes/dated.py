"""The day of each note, and what it is taken from."""

import re
from collections.abc import Callable
from datetime import date

from ragqa.notes.dated_paths import days_of_path
from ragqa.types import Dated, Days, NoteRecord

EDITED_KEYS = (
    "updated", "lastupdated", "updatedat", "dateupdated",
    "modified", "lastmodified", "modifiedat", "datemodified", "lastmod", "lastedited",
)  # fmt: skip
"""Keys of front matter that have the day of the last edit, as `folded_key` gives them."""

_EPOCH = date(1970, 1, 1).toordinal()
_MANY, _SHARE = 5, 5
"""A day that so many notes have, and more than this part of all, is that of an import."""


def dates_of(days: Days, record_of: Callable[[str], NoteRecord | None]) -> Callable[[str], Dated]:
    """Gives the day of the note at a path, or of its file; none that many have, as after an import.

    If most files changed on the same day, they were copied, as by `git clone`.

    :param days: those of all notes.
    """
    notes = sum(days.written.values())
    many = max(_MANY, notes // _SHARE + 1)
    copied = [day for day, count in days.changed.items() if 2 * count > notes]
    imported = [day for day, count in days.written.items() if count >= many]

    def dated(path: str) -> Dated:
        record = record_of(path)
        if record is None:
            return Dated()
        day, changed_on = record.date, record.stamp.changed_on
        # A day more, since days begin elsewhere at another time.
        changed, latest = (date.fromordinal(_EPOCH + changed_on + n).isoformat() for n in (0, 1))
        if day and day in imported:
            return Dated("", "", latest)
        if day and any(folded_key(key) in EDITED_KEYS for key, _ in record.properties):
            return Dated(day, "edited", day)
        if day:
            first, last = days_of_path(path)
            return Dated(day, "name", last) if day == first else Dated(day, "note", latest)
        is_copied = changed_on in copied
        return Dated("", "", latest) if is_copied else Dated(changed, "file", latest)

    return dated


def folded_key(key: str) -> str:
    """A key in lower case, without what separates its words."""
    return re.sub(r"[\s_-]", "", key).lower()
