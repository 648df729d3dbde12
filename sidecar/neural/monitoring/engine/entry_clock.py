"""The time as domain rooms see it: that of the journal entry being processed, so that a replay sees what the first run saw."""

from __future__ import annotations

from neural.monitoring.clock import Clock


class EntryClock:
    """A ``Clock`` that stands at the time of the entry in hand; before the first one it shows the real time."""

    def __init__(self, real: Clock) -> None:
        self._real = real
        self._now: float | None = None

    def __call__(self) -> float:
        return self._real() if self._now is None else self._now

    def set(self, now: float) -> None:
        self._now = now
