"""SLA reports out of a store: objectives on counted events (of a configuration) and on measured values (of the Python API)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural.monitoring.slo import SLOSettings, SLOTracker, sla_report
from neural.monitoring.store import Store
from neural.monitoring.views import models

DEFAULT_SECONDS = 30 * 86400.0
"""How long a report reaches back where nobody said."""


def sla_reports(
    store: Store, objectives: Sequence[SLOSettings], start: float, end: float, *, model: str = ""
) -> list[dict[str, Any]]:
    """One ``SLAReport.to_dict()`` for each objective and model, from ``start`` to ``end`` in Unix seconds.

    ``model``: of an objective for every model, where none was evaluated yet.
    """
    tracker = SLOTracker(store=store)
    measured = [tracker.generate_sla_report(name, start, end).to_dict() for name in tracker.slos]
    names = sorted({name for name, _ in models(store)}) or [model]
    counted = [
        sla_report(store, one, name, start=start, end=end).to_dict()
        for one in objectives
        for name in names
        if one.model in (None, name)
    ]
    return measured + counted
