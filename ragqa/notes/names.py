"""What a file's name says about a note: words, and a date."""

import os
import re
from datetime import date
from pathlib import PurePosixPath

_ISO_DATE = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)", re.ASCII)


def name_of(path: str) -> str:
    """The file's name as words; bytes that are not UTF-8 are replaced."""
    stem = PurePosixPath(path).stem
    readable = os.fsencode(stem).decode("utf-8", "replace")
    return " ".join(readable.replace("-", " ").replace("_", " ").split()) or readable


def date_in(text: str) -> str:
    """The first ISO date in a text, such as "2024-05-02 Standup"; "" for none."""
    for match in _ISO_DATE.finditer(text):
        try:
            return date.fromisoformat(match[0]).isoformat()
        except ValueError:
            continue
    return ""
