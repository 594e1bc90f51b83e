"""How long the stages of answering take."""

import time


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
