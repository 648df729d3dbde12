"""A store as it was at an earlier moment: what an alert's command shows next morning is what the alert saw."""

from __future__ import annotations

import math
from dataclasses import replace

from neural.monitoring.signal import Signal
from neural.monitoring.store import AlertRow, MemoryStore, Store
from neural.monitoring.views.current import CAPTURE, CURRENT_EVALUATIONS, HISTORY_POINTS, SIDECAR, every_seconds
from neural.monitoring.views.references import REFERENCES

_REPORTS = ("drift", "quality", "performance", "slo_breach", "decode_failure")
_MOST_REPORTS = 1000
"""Of one kind, the newest before the moment."""


def store_at(store: Store, at: float, hours: float = 24.0) -> Store:
    """A store in memory that holds what ``store`` held at ``at`` (Unix seconds): signals, reports, alerts of the last ``hours``, silences.

    What is only kept as it is now (the capture's ledger by process) is left out. The caller closes it.
    """
    then = MemoryStore()
    about = dict(store.value(SIDECAR, {}) or {})
    about.pop("stopped_at", None)
    if about.get("started_at", at) > at:
        del about["started_at"]
    every = every_seconds(about)
    with then.transaction():
        then.write_signals(_signals(store, at, every))
        for kind in _REPORTS:
            for report in store.reports(kind, limit=_MOST_REPORTS, until=at):
                then.add_report(report)
        for row in store.alerts(since=at - hours * 3600.0):
            if row.started_at <= at:
                then.put_alert(_as_of(row, at))
        for silence in store.silences(active_at=at):
            then.put_silence(silence)
        then.put_value(SIDECAR, about)
        if (known := store.value(REFERENCES)) is not None:
            then.put_value(REFERENCES, known)
        then.put_value(CAPTURE, {})
    return then


def _signals(store: Store, at: float, every: float) -> list[Signal]:
    """Everything of the newest evaluations, and the curves of what a model has one of."""
    if math.isinf(every):
        return store.read_signals(until=at)
    near = store.read_signals(since=at - (CURRENT_EVALUATIONS + 1) * every, until=at)
    names = sorted({signal.name for signal in near if len(signal.labels) <= 2})
    edge = near[0].time if near else at
    far = store.read_signals(names, since=at - HISTORY_POINTS * every, until=at) if names else []
    return [*(signal for signal in far if signal.time < edge), *near]


def _as_of(row: AlertRow, at: float) -> AlertRow:
    """What had not happened by then is taken back."""
    if row.resolved_at is not None and row.resolved_at > at:
        row = replace(row, state="firing", resolved_at=None)
    if row.fired_at is not None and row.fired_at > at:
        row = replace(row, state="pending", fired_at=None)
    if row.acknowledged_at is not None and row.acknowledged_at > at:
        row = replace(row, acknowledged_by="", acknowledged_at=None, acknowledged_note="")
    return replace(row, updated_at=min(row.updated_at, at))
