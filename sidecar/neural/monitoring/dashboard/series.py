"""Signals over time, as charts want them: one series a set of labels, with gaps where nothing was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from neural.monitoring.signal import Outcome, Signal

GAP_FACTOR = 3.5  # a silence longer than this many usual steps is drawn as a gap, not as a line


@dataclass(frozen=True, slots=True)
class Series:
    """One signal over time: ``times`` in Unix seconds, rising; ``values`` None where there was no data."""

    name: str
    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    bad: tuple[bool, ...]

    @property
    def has_data(self) -> bool:
        return any(value is not None for value in self.values)

    def with_gaps(self) -> tuple[list[float], list[float | None]]:
        """Times and values with a None set into each long silence, so that a line breaks there."""
        step = typical_step(self.times)
        times: list[float] = []
        values: list[float | None] = []
        for moment, value in zip(self.times, self.values, strict=True):
            if times and step and moment - times[-1] > GAP_FACTOR * step:
                times.append(times[-1] + step)
                values.append(None)
            times.append(moment)
            values.append(value)
        return times, values


def typical_step(times: Iterable[float]) -> float:
    """The usual distance between measurements in seconds; 0 if there are fewer than two."""
    moments = sorted(set(times))
    return median(b - a for a, b in pairwise(moments)) if len(moments) > 1 else 0.0


def grouped(signals: Iterable[Signal]) -> list[Series]:
    """Signals in time order, one series a key."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Signal]] = {}
    for signal in signals:
        groups.setdefault(signal.key, []).append(signal)
    return [_series(members) for members in groups.values()]


def _series(members: list[Signal]) -> Series:
    members.sort(key=lambda signal: signal.time)
    return Series(
        name=members[0].name,
        labels=dict(members[0].labels),
        times=tuple(signal.time for signal in members),
        values=tuple(signal.value for signal in members),
        bad=tuple(signal.verdict is not None and signal.verdict.outcome is Outcome.BAD for signal in members),
    )
