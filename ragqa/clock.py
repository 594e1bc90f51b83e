"""Stage timings and today's date."""

import time
from datetime import date, datetime

from ragqa.errors import UsageError


def today() -> date:
    """Today's local date."""
    return datetime.now().astimezone().date()


class Clock:
    """Times consecutive stages, in milliseconds."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """End a stage, which began where the previous one ended."""
        now = time.perf_counter()
        self._laps[name] = round((now - self._last) * 1000, 1)
        self._last = now

    def laps(self) -> dict[str, float]:
        """Milliseconds per stage, and their "total"."""
        return {**self._laps, "total": round((self._last - self._start) * 1000, 1)}


def day_since(text: str) -> str:
    """The ISO date of the first day of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; "" for "".

    :raises UsageError: the text is none of these.
    """
    padded = text + "-01-01"[len(text) - len("2025") :] if len(text) in (4, 7) else text
    try:
        return date.fromisoformat(padded).isoformat() if text else ""
    except ValueError as exc:
        raise UsageError(
            f"since: {text[:40]!r} is not a date", hint="2025-03-31, 2025-03 or 2025"
        ) from exc
