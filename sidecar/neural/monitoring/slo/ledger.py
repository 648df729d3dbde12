"""One objective of one model: its counts, what changed since they were last written, and the breach under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neural.monitoring.slo.burn import BurnWindow, burn_windows, why_it_cannot_fire, window_name
from neural.monitoring.slo.calendar import period_start
from neural.monitoring.slo.counts import Counts, SlotCounts
from neural.monitoring.slo.settings import Severity, SLOSettings
from neural.monitoring.store.protocol import Store

MOST_FINE_SLOTS = 3 * 1440
"""Slots kept singly: three days of minutes, the longest window of the burn table."""
RECENT_SLOTS = 180
"""Slots a checkpoint holds itself; older ones are read back from the store. Only very late data changes those."""
SLOTS_AHEAD = 60
"""How far the newest slot may lie ahead of the clock before the clock is taken to have been wrong."""
SHOWN_WINDOWS_SECONDS = (300.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0, 259200.0)
"""The burn rates always shown: 5m, 30m, 1h, 2h, 6h, 1d, 3d, as far as they fit into the objective's window."""


Labels = tuple[dict[str, str], list[dict[str, str]], dict[Severity, dict[str, str]]]
"""Of a signal: plain, for each window, by severity."""
Row = tuple[BurnWindow, int, int]
"""A row of the burn table, and the places of its long and its short window among those shown."""


def slo_key(model: str, name: str) -> str:
    """The name under which the store keeps an objective's counts."""
    return f"{model}/{name}"


def breach_key(key: str) -> str:
    """The store's value that says since when an objective has been in breach; None while it is not."""
    return f"slo_breach/{key}"


class SLOLedger:
    """Counts events of one objective and remembers which slots the store doesn't know yet."""

    def __init__(self, settings: SLOSettings, model: str, slot_seconds: float) -> None:
        self.settings = settings
        self.model = model
        self.key = slo_key(model, settings.name)
        self.table = burn_windows(settings.period_seconds, slot_seconds)
        self.windows = _shown(self.table, settings.period_seconds, slot_seconds)
        longest = max(seconds for _, seconds, _ in self.windows)
        fine = min(int(longest // slot_seconds) + 1, MOST_FINE_SLOTS)
        self._fine_slots = max(fine, RECENT_SLOTS)
        self.counts = self._empty(slot_seconds)
        self.severities = _severities(settings, self.table)
        self.goal = settings.goal
        self._lengths = tuple(slots for _, _, slots in self.windows)
        place = {seconds: at for at, (_, seconds, _) in enumerate(self.windows)}
        self.rows: dict[Severity, tuple[Row, ...]] = {
            severity: tuple(
                (row, place[row.long_seconds], place[row.short_seconds]) for row in self.table if row.severity is severity
            )
            for severity in self.severities
        }
        self._period_known: tuple[float, Counts] | None = None
        self.breach_started: float | None = None
        self.judged_until: int | None = None  # the last slot of time that was judged as a whole
        self.seen = Counts()  # all events so far: a counter, so what a corrected label takes back stays in it
        self._dirty: set[int] = set()
        self._labels: dict[str, Labels] = {}

    def add(self, slot: int, good: float, total: float, now: float) -> None:
        """Count events into a slot. What is older than the objective's window is left out."""
        if slot >= self.counts.slot(now - self.settings.period_seconds) and self.counts.add(slot, good, total):
            self._dirty.add(slot)
            self._period_known = None
            self.seen = Counts(self.seen.good + max(good, 0.0), self.seen.total + max(total, 0.0))

    def put(self, slot: int, good: float, total: float) -> None:
        """Set a slot's counts."""
        if (held := self.counts.get(slot)).good != good or held.total != total:
            self.counts.put(slot, good, total)
            self._dirty.add(slot)
            self._period_known = None

    def period(self, now: float) -> Counts:
        """The counts of the objective's window, as of now."""
        if self._period_known is None or self._period_known[0] != now:
            self._period_known = (now, self._period(now))
        return self._period_known[1]

    def in_windows(self, now: float) -> list[tuple[float, float]]:
        """(good, total) of each of ``windows``, as of now."""
        return self.counts.tails(self.counts.slot(now), self._lengths)

    def _period(self, now: float) -> Counts:
        window = self.settings.window
        if isinstance(window, str):
            return self.counts.since(period_start(window, now, self.settings.time_zone), now)
        return self.counts.over(window, now)

    def labels(self, version: str) -> Labels:
        """The labels of this objective's signals: plain, for each window, by severity. Made once for each version."""
        known = self._labels.get(version)
        if known is None:
            plain = {"model": self.model, "version": version, "slo": self.settings.name}
            by_window = [{**plain, "window": name} for name, _, _ in self.windows]
            by_severity = {severity: {**plain, "severity": str(severity)} for severity in self.severities}
            known = self._labels[version] = (plain, by_window, by_severity)
        return known

    def heal(self, now: float, store: Store) -> None:
        """After the clock had jumped ahead and came back: forget the future, and read the past again."""
        newest = self.counts.newest
        if newest is None or newest - self.counts.slot(now) <= SLOTS_AHEAD:
            return
        self.counts, self.judged_until, self._period_known = self._empty(self.counts.slot_seconds), None, None
        self._dirty.clear()
        self._read(store, now - self.settings.period_seconds, now)

    def changes(self) -> list[tuple[str, float, float, float]]:
        """(key, slot start, good, total) of the slots that the store doesn't know yet. Writing one again changes nothing."""
        width = self.counts.slot_seconds
        held = [(slot, self.counts.get(slot)) for slot in sorted(self._dirty)]
        return [(self.key, slot * width, counts.good, counts.total) for slot, counts in held]

    def forget_changes(self) -> None:
        """They have been written."""
        self._dirty.clear()

    def snapshot(self) -> dict[str, Any]:
        """What the store can't be asked for after a crash: the newest slots, exactly as they are now."""
        newest, width = self.counts.newest, self.counts.slot_seconds
        first = 0 if newest is None else newest - RECENT_SLOTS + 1
        slots = [] if newest is None else [(slot, self.counts.get(slot)) for slot in range(first, newest + 1)]
        return {
            "model": self.model,
            "slo": self.settings.name,
            "from": first * width,
            "recent": [[slot * width, counts.good, counts.total] for slot, counts in slots if counts.total or counts.good],
            "seen": list(self.seen),
            "breach_started": self.breach_started,
            "judged_until": None if self.judged_until is None else self.judged_until * width,
        }

    def restore(self, state: Mapping[str, Any], store: Store) -> None:
        """Continue from ``snapshot()``: older slots from the store, the newest from the snapshot."""
        start, self._period_known = float(state["from"]), None
        self._read(store, start - self.settings.period_seconds, start)
        for slot_start, good, total in state["recent"]:
            self.counts.put(self.counts.slot(slot_start), good, total)
        self.seen = Counts(*state.get("seen", ()))
        self.breach_started = state["breach_started"]
        judged = state["judged_until"]
        self.judged_until = None if judged is None else self.counts.slot(judged)

    def _read(self, store: Store, since: float, until: float) -> None:
        for slot_start, good, total in store.slo_counts(self.key, since=since, until=until):
            self.counts.put(self.counts.slot(slot_start), good, total)

    def _empty(self, slot_seconds: float) -> SlotCounts:
        return SlotCounts(slot_seconds, self._fine_slots, self.settings.period_seconds)


def _severities(settings: SLOSettings, table: tuple[BurnWindow, ...]) -> tuple[Severity, ...]:
    """The burn alerts judged: those asked for, else those that the target allows to fire."""
    if settings.burn_alerts is not None:
        return settings.burn_alerts
    can = {row.severity for row in table if not why_it_cannot_fire(row, settings.goal)}
    return tuple(severity for severity in Severity if severity in can)


def _shown(table: tuple[BurnWindow, ...], period: float, slot: float) -> tuple[tuple[str, float, int], ...]:
    """(name, seconds, slots) of each window whose burn rate is shown."""
    wanted = {seconds for seconds in SHOWN_WINDOWS_SECONDS if slot <= seconds <= period}
    wanted.update(seconds for row in table for seconds in (row.long_seconds, row.short_seconds))
    return tuple((window_name(seconds), seconds, max(round(seconds / slot), 1)) for seconds in sorted(wanted))
