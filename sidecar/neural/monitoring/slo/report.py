"""SLA reports: what was promised, what was kept, month by month, with every breach."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from neural.monitoring.slo.budget import budget_remaining
from neural.monitoring.slo.calendar import months_between
from neural.monitoring.slo.counts import Counts
from neural.monitoring.slo.ledger import breach_key, slo_key
from neural.monitoring.slo.settings import SLOSettings
from neural.monitoring.slo.track import Track
from neural.monitoring.store.protocol import Store

_ALL_REPORTS = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """One month (or the piece of it within the report). ``compliance`` and ``budget_remaining`` are None without events."""

    name: str
    start: float
    end: float
    good: float
    total: float
    compliance: float | None
    budget_remaining: float | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class Breach:
    """One time below the target. ``end`` is None while it lasts; the duration is as of the report's end."""

    start: float
    end: float | None
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class SLAReport:
    """What was kept of one objective between two times (Unix seconds)."""

    slo_name: str
    slo_type: str
    model: str
    target: float
    start_time: float
    end_time: float
    compliance_rate: float | None
    is_meeting: bool | None
    total_measurements: int
    error_budget_remaining: float | None
    months: tuple[Part, ...]
    breaches: tuple[Breach, ...]
    description: str = ""

    @property
    def total_breaches(self) -> int:
        """How many breaches touch the report's time."""
        return len(self.breaches)

    @property
    def total_breach_duration(self) -> float:
        """Seconds."""
        return sum(breach.duration_seconds for breach in self.breaches)

    @property
    def max_breach_duration(self) -> float:
        """Seconds."""
        return max((breach.duration_seconds for breach in self.breaches), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        totals = {name: getattr(self, name) for name in ("total_breaches", "total_breach_duration", "max_breach_duration")}
        return {**asdict(self), **totals}

    @classmethod
    def of_track(cls, track: Track, start: float, end: float) -> SLAReport:
        """The report of an objective on measured values. ``compliance_rate`` is the share of measurements that met the target."""
        slo, total = track.slo, track.within(start, end)
        left = budget_remaining(track.counts(start, end), slo.goal)
        months = [
            _part(name, first, last, track.counts(first, last), slo.goal) for name, first, last in months_between(start, end)
        ]
        return cls(
            slo.name, str(slo.slo_type), "", slo.target, start, end,
            total.met / total.measurements if total.measurements else None,
            None if left is None else left >= -1e-9,
            total.measurements, left, tuple(months),
            tuple(Breach(one.start, one.end, one.duration(end)) for one in track.breaches(start, end)), slo.description,
        )  # fmt: skip


def sla_report(store: Store, settings: SLOSettings, model: str, *, start: float, end: float, time_zone: str = "") -> SLAReport:
    """The report of an objective on counted events, from the store's slots. Months begin in ``time_zone``, or the objective's."""
    rows = store.slo_counts(slo_key(model, settings.name), since=start, until=end)
    months = [
        _part(name, first, last, _counts(rows, first, last), settings.goal)
        for name, first, last in months_between(start, end, time_zone or settings.time_zone)
    ]
    whole = _part("", start, end, _counts(rows, start, end), settings.goal)
    return SLAReport(
        settings.name, str(settings.type), model, settings.goal, start, end, whole.compliance, whole.met, round(whole.total),
        whole.budget_remaining, tuple(months), tuple(_stored_breaches(store, settings.name, model, start, end)), settings.description,
    )  # fmt: skip


def _counts(rows: Sequence[tuple[float, float, float]], start: float, end: float) -> Counts:
    """``rows`` in time order: a report of many months reads each once."""
    inside = rows[bisect_left(rows, start, key=_slot) : bisect_left(rows, end, key=_slot)]
    return Counts(sum(good for _, good, _ in inside), sum(total for _, _, total in inside))


def _slot(row: tuple[float, float, float]) -> float:
    return row[0]


def _part(name: str, start: float, end: float, counts: Counts, goal: float) -> Part:
    left = budget_remaining(counts, goal)
    met = None if left is None else left >= -1e-9  # the rounding of sums is no breach
    return Part(name, start, end, counts.good, counts.total, counts.compliance, left, met)


def _stored_breaches(store: Store, slo: str, model: str, start: float, end: float) -> list[Breach]:
    found: list[Breach] = []
    for report in store.reports("slo_breach", limit=_ALL_REPORTS, since=start, model=model):
        body = report.body
        if body["slo"] == slo and body["started_at"] < end:
            found.append(Breach(body["started_at"], body["ended_at"], body["duration_seconds"]))
    since = store.value(breach_key(slo_key(model, slo)))
    if since is not None and since < end:
        found.append(Breach(since, None, end - since))
    return found
