"""The measurements of one seed objective: slots of counts for the budget, and the episodes in which it was missed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from neural.monitoring.slo.counts import Counts
from neural.monitoring.slo.seed import SLO
from neural.monitoring.store.protocol import Store

_SLOTS_A_WINDOW = 720
_SHORTEST_SLOT_SECONDS = 1.0
_MOST_EPISODES = 1000
_RECENT_MEASUREMENTS = 10


@dataclass(slots=True)
class Slot:
    """What was measured in one slot of time. ``good`` is the budget's share, ``met`` counts measurements that met the target."""

    measurements: int = 0
    met: int = 0
    good: float = 0.0


@dataclass(frozen=True, slots=True)
class Episode:
    """A run of measurements that missed the target: from the first miss to the first hit after it (None while it lasts)."""

    start: float
    end: float | None
    worst: float

    def duration(self, now: float) -> float:
        """Seconds."""
        return max((now if self.end is None else self.end) - self.start, 0.0)

    def to_dict(self, now: float) -> dict[str, Any]:
        """JSON-able."""
        return {"start": self.start, "end": self.end, "duration_seconds": self.duration(now), "worst_value": self.worst}


@dataclass(slots=True)
class Track:
    """Everything measured for one objective, by slot: memory depends on the window, not on the number of measurements."""

    slo: SLO
    slots: dict[int, Slot] = field(default_factory=dict[int, Slot])
    episodes: list[Episode] = field(default_factory=list[Episode])
    recent: list[bool] = field(default_factory=list[bool])
    newest: float | None = None
    dirty: set[int] = field(default_factory=set[int])  # slots that haven't been written

    @property
    def slot_seconds(self) -> float:
        """The width of a slot."""
        return max(self.slo.window_seconds / _SLOTS_A_WINDOW, _SHORTEST_SLOT_SECONDS)

    def record(self, value: float, at: float) -> None:
        """Count one measurement."""
        met = self.slo.is_met_by(value)
        number = int(at // self.slot_seconds)
        slot = self.slots.setdefault(number, Slot())
        slot.measurements += 1
        slot.met += met
        slot.good += self.slo.good_share(value)
        self.dirty.add(number)
        if self.newest is None or at >= self.newest:  # a late measurement counts, but doesn't rewrite the episodes
            self.newest = at
            self._follow(value, at, met=met)
            self.recent = [*self.recent, met][-_RECENT_MEASUREMENTS:]

    def within(self, since: float, until: float) -> Slot:
        """The sum of the slots in [since, until); the slot that holds ``since`` counts whole."""
        first = int(since // self.slot_seconds)
        end = max(math.ceil(until / self.slot_seconds), first + 1)
        total = Slot()
        for number, slot in self.slots.items():
            if first <= number < end:
                total.measurements += slot.measurements
                total.met += slot.met
                total.good += slot.good
        return total

    def counts(self, since: float, until: float) -> Counts:
        """The same as budget counts."""
        total = self.within(since, until)
        return Counts(total.good, float(total.measurements))

    def breaches(self, since: float, until: float) -> Iterator[Episode]:
        """Episodes that touch [since, until]."""
        return (episode for episode in self.episodes if episode.start <= until and (episode.end is None or episode.end >= since))

    def forget_before(self, time: float) -> None:
        """Drop slots and episodes that ended before a time."""
        first = int(time // self.slot_seconds)
        for number in [number for number in self.slots if number < first]:
            del self.slots[number]
        self.episodes = [one for one in self.episodes if one.end is None or one.end >= time][-_MOST_EPISODES:]

    def _follow(self, value: float, at: float, *, met: bool) -> None:
        current = self.episodes[-1] if self.episodes and self.episodes[-1].end is None else None
        if met and current is not None:
            self.episodes[-1] = Episode(current.start, at, current.worst)
        elif not met and current is None:
            self.episodes = [*self.episodes, Episode(at, None, value)][-_MOST_EPISODES:]
        elif not met and current is not None:
            worst = max(current.worst, value) if self.slo.lower_is_better else min(current.worst, value)
            self.episodes[-1] = Episode(current.start, None, worst)

    def save(self, store: Store) -> None:
        """Write the slots that changed."""
        for number in sorted(self.dirty & self.slots.keys()):
            slot, start = self.slots[number], number * self.slot_seconds
            store.add_slo_counts(_key(self.slo), start, slot.good, slot.measurements)
            store.add_slo_counts(_met_key(self.slo), start, slot.met, slot.measurements)
        self.dirty.clear()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; without the slots, which ``save`` writes."""
        episodes = [[one.start, one.end, one.worst] for one in self.episodes]
        return {"slo": self.slo.to_dict(), "episodes": episodes, "recent": self.recent, "newest": self.newest}

    @classmethod
    def load(cls, data: Mapping[str, Any], store: Store, since: float) -> Track:
        """The inverse of ``to_dict`` and ``save``: slots since a time."""
        episodes = [Episode(start, end, worst) for start, end, worst in data["episodes"]]
        track = cls(SLO.from_dict(data["slo"]), {}, episodes, [bool(met) for met in data["recent"]], data["newest"])
        met = {start: count for start, count, _ in store.slo_counts(_met_key(track.slo), since=since, until=math.inf)}
        for start, good, total in store.slo_counts(_key(track.slo), since=since, until=math.inf):
            track.slots[round(start / track.slot_seconds)] = Slot(round(total), round(met.get(start, 0.0)), good)
        return track


def _key(slo: SLO) -> str:
    """Other terms are another key: their counts don't mix."""
    return f"measured/{slo.name}/{slo.slo_type}/{slo.target:g}/{slo.window_seconds:g}"


def _met_key(slo: SLO) -> str:
    return _key(slo) + "/met"
