"""Stage timings and today's date."""

import time
from datetime import date, datetime


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
