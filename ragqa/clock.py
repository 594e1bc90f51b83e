"""How long the stages of answering take, and what day it is."""

import time
from datetime import date, datetime


def today() -> date:
    """The day on this machine's calendar."""
    return datetime.now().astimezone().date()


class Clock:
    """Measures stages one after the other, in milliseconds."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """End a stage; it began where the one before it ended."""
        now = time.perf_counter()
        self._laps[name] = round((now - self._last) * 1000, 1)
        self._last = now

    def laps(self) -> dict[str, float]:
        """How long each stage took, and all of them as "total"."""
        return {**self._laps, "total": round((self._last - self._start) * 1000, 1)}
