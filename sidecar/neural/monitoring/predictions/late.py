"""Labels that come after their hour was written as Parquet: its files are written again, with them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.predictions.layout import HOUR_SECONDS, PARQUET, Hour, segment_of, stem_parts
from neural.monitoring.predictions.segment import LabelsOf, relabel

EVERY_SECONDS = 600.0
"""Between two rewritings of one hour: labels mostly come many at a time, and each costs the whole file."""
ROWS_A_TURN = 100_000
"""Looked at in one turn, for the engine waits meanwhile: about a segment of 100 columns."""


class LateLabels:
    """Knows which hours have labels that their files have not. ``step`` writes some of them again. The labels themselves are the joiner's."""

    def __init__(self, root: Path, writer: str, *, fsync: bool = False) -> None:
        self._root, self._writer, self._fsync = root, writer, fsync
        self._hours: dict[Hour, None] = {}  # in the order they came
        self._begun: dict[Hour, float] = {}  # when each was written again last
        self._files: deque[Path] = deque()  # of ``_current``, still to be looked at
        self._current: Hour | None = None

    def note(self, model: str, version: str, times: NDArray[np.float64]) -> None:
        """Labels have come for predictions of these times."""
        for slot in np.unique(times // HOUR_SECONDS).tolist():
            self._hours[Hour(int(slot) * HOUR_SECONDS, model, version)] = None

    def step(self, now: float, labels: LabelsOf) -> int:
        """Returns the files written again. Raises OSError when the disk refuses; the file is then tried again, after all others."""
        if not self._files:
            self._next_hour(now)
        written = rows = 0
        while self._files and rows < ROWS_A_TURN:
            looked, changed = self._relabel(self._files.popleft(), labels)
            rows, written = rows + looked, written + changed
        return written

    def _relabel(self, path: Path, labels: LabelsOf) -> tuple[int, bool]:
        try:
            return relabel(path, labels, fsync=self._fsync)
        except OSError:
            if self._current is not None:
                self._hours[self._current] = None  # the last of them
                self._begun.pop(self._current, None)
            raise

    def _next_hour(self, now: float) -> None:
        """An hour whose segments are gone: until then a restart may write its files anew."""
        self._current = None
        self._begun = {hour: begun for hour, begun in self._begun.items() if begun <= now < begun + EVERY_SECONDS}
        for hour in [hour for hour in self._hours if hour not in self._begun]:
            own = self._own_files(hour)
            if own and all(path.suffix == PARQUET and not segment_of(path).exists() for path in own):
                self._current, self._files, self._begun[hour] = hour, deque(own), now
                del self._hours[hour]
                return
            if not own and hour.end < now:
                del self._hours[hour]  # retention took it, or nothing of it was sampled

    def _own_files(self, hour: Hour) -> list[Path]:
        found = sorted((self._root / hour.folder).glob("*"))
        return [path for path in found if (parts := stem_parts(path)) is not None and parts[0] == self._writer]

    def snapshot(self) -> list[list[Any]]:
        """JSON-able: the hours that are not done."""
        current = [self._current] if self._current is not None and self._files else []
        return [[hour.start, hour.model, hour.version] for hour in [*current, *self._hours]]

    def restore(self, state: Sequence[Sequence[Any]]) -> None:
        self._hours = {Hour(int(start), str(model), str(version)): None for start, model, version in state}
        self._files, self._current, self._begun = deque(), None, {}
