"""Learns a reference from the first traffic: holds rows, bounded, until there are enough."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import LATENCY, PREDICTION, PROBABILITY_PREFIX, Column, Kind
from neural.monitoring.windows.build import build_reference
from neural.monitoring.windows.concat import Block, concat_columns, take_rows
from neural.monitoring.windows.derive import SKETCH, sketches
from neural.monitoring.windows.reference import Reference
from neural.monitoring.windows.seasons import TIME
from neural.monitoring.windows.settings import ReferenceSettings, WindowSettings

_OWN = frozenset({PREDICTION, LATENCY, TIME})
FEWEST_ROWS = 100
"""A reference learnt for a time waits for at least so many rows."""


class Learner:
    """Holds rows of one model version. Of more than ``max_rows``, a uniform sample is kept (bottom-k of random priorities)."""

    def __init__(self, settings: ReferenceSettings, windows: WindowSettings, *, seed: int = 0) -> None:
        self._settings = settings
        self._windows = windows
        self._random = np.random.default_rng(seed)
        self.blocks: list[Block] = []
        self.priorities: list[NDArray[np.float64]] = []
        self.seen = 0
        self.held = 0
        self.first_time: float | None = None
        self.last_time = 0.0

    def add(self, columns: Mapping[str, Column], times: NDArray[np.float64]) -> None:
        rows = len(times)
        if rows == 0:
            return
        held = _with_sketches(watched_columns(columns, self._windows.max_columns))
        if self._settings.seasonal is not None:
            held[TIME] = Column(TIME, Kind.NUMERIC, times, np.isnan(times))
        self.blocks.append((rows, held))
        self.priorities.append(self._random.random(rows))
        self.seen += rows
        self.held += rows
        self.first_time = float(times.min()) if self.first_time is None else min(self.first_time, float(times.min()))
        self.last_time = max(self.last_time, float(times.max()))
        if self.held > 2 * self._settings.max_rows:
            self.compact()

    @property
    def ready(self) -> bool:
        """Enough was seen. Decided by the rows alone, so that a replay decides the same."""
        wanted = self._settings.learn
        if wanted.rows is not None:
            return self.seen >= wanted.rows
        elapsed = self.last_time - (self.first_time if self.first_time is not None else self.last_time)
        return self.seen >= FEWEST_ROWS and elapsed >= (wanted.seconds or 0.0)

    @property
    def progress(self) -> str:
        """How far it is, for people."""
        wanted = self._settings.learn
        if wanted.rows is not None:
            return f"the reference is being learnt: {self.seen:,} of {wanted.rows:,} rows"
        begun = self.last_time - self.first_time if self.first_time is not None else 0.0
        more = f", and {self.seen} of at least {FEWEST_ROWS} rows" if self.seen < FEWEST_ROWS else ""
        return f"the reference is being learnt: {begun / 3600:.1f} of {(wanted.seconds or 0.0) / 3600:.1f} h{more}"

    def learn(self, now: float) -> Reference:
        self.compact()
        columns = concat_columns(self.blocks)
        return build_reference(
            columns,
            source=f"learnt from {self.seen} rows of traffic",
            created_at=now,
            cells=self._windows.cells,
            max_categories=self._windows.max_categories,
            whole_rows=self._settings.whole_rows,
            seasonal=self._settings.seasonal,
        )

    def resume(
        self,
        columns: Mapping[str, Column],
        priorities: NDArray[np.float64],
        seen: int,
        first_time: float | None,
        last_time: float,
    ) -> None:
        """Go on from a checkpoint."""
        self.blocks = [(len(priorities), columns)] if len(priorities) else []
        self.priorities = [priorities] if len(priorities) else []
        self.seen, self.held = seen, len(priorities)
        self.first_time, self.last_time = first_time, last_time
        self._random = np.random.default_rng(seen)

    def compact(self) -> None:
        """One block, of at most ``max_rows`` rows."""
        columns = concat_columns(self.blocks)
        priorities = np.concatenate(self.priorities) if self.priorities else np.empty(0)
        if len(priorities) > self._settings.max_rows:
            chosen = np.sort(np.argpartition(priorities, self._settings.max_rows)[: self._settings.max_rows])
            columns, priorities = take_rows(columns, chosen), priorities[chosen]
        self.blocks = [(len(priorities), columns)] if len(priorities) else []
        self.priorities = [priorities] if len(priorities) else []
        self.held = len(priorities)


def watched_columns(columns: Mapping[str, Column], most: int) -> Mapping[str, Column]:
    """What the model said and how fast comes before its features, then these in their order."""
    if len(columns) <= most:
        return columns
    names = sorted(columns, key=lambda name: name not in _OWN and not name.startswith(PROBABILITY_PREFIX))
    return {name: columns[name] for name in names[:most]}


def _with_sketches(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Embeddings are held as their norms and a few projections: a reference does not need more of them."""
    held = {name: _norms(column) if column.kind is Kind.EMBEDDING else column for name, column in columns.items()}
    for name, projections in sketches(columns).items():
        held[SKETCH + name] = Column(SKETCH + name, Kind.EMBEDDING, projections, np.asarray(np.isnan(projections).all(axis=1)))
    return held


def _norms(column: Column) -> Column:
    rows = np.asarray(column.values, dtype=np.float64)
    norms = np.sqrt((rows * rows).sum(axis=1)) if rows.ndim == 2 else np.abs(rows)
    return Column(column.name, Kind.NUMERIC, norms, column.missing, column.invalid)
