"""Drift over a stretch of history: all of its rows beside the reference, in one look."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural.monitoring.drift.plan import make_plan
from neural.monitoring.drift.sequential import SequentialDetector
from neural.monitoring.drift.settings import DriftMethods, DriftSettings
from neural.monitoring.drift.window_verdict import WindowView, view_window
from neural.monitoring.windows import Reference, Window

ONE_LOOK = 0.05
"""Chance that one look at history calls anything drift where nothing drifts: somebody asked once; no budget runs."""
_SETTINGS = DriftSettings(methods=DriftMethods(numeric=("ks", "psi"), categorical=("psi",)))


def drift_over(reference: Reference, window: Window, settings: DriftSettings = _SETTINGS) -> dict[str, Any]:
    """JSON-able: ``is_drifting``, ``score`` (the largest share of rows that moved in any column, 0 where chance explains it), ``columns``
    by score: n, drifting, effect (KS distance, or total variation), ks and psi with the threshold of each, ln of the e-value, reason.
    """
    plan = make_plan(reference, settings.ignore)
    if not plan.columns:
        return {"is_drifting": False, "score": None, "columns": [], "reason": "the reference has no column that can be compared"}
    model = SequentialDetector(plan.bins, [column.runs for column in plan.columns]).model
    view = view_window(window, plan, model, settings, ONE_LOOK)
    columns = [_column(name, at, view, settings) for at, name in enumerate(plan.names)]
    columns.sort(key=lambda one: (-(one["score"] or 0.0), -(one["effect"] or 0.0), one["column"]))
    drifting = [one for one in columns if one["drifting"]]
    return {
        "is_drifting": bool(drifting),
        "score": max((one["score"] for one in columns if one["score"] is not None), default=None),
        "columns": columns,
        "reason": "; ".join(one["reason"] for one in drifting[:3])
        or f"none of {len(columns)} columns differs from the reference by more than chance explains and {settings.smallest_effect:.0%}",
    }


def _column(name: str, at: int, view: WindowView, settings: DriftSettings) -> dict[str, Any]:
    n, effect = int(view.n[at]), _number(view.effect[at])
    found: dict[str, Any] = {"column": name, "n": n, "drifting": bool(view.drifting[at]), "effect": effect}
    found |= {"score": _number(view.score()[at]), "log_e_value": _number(view.log_e[at])}
    for method in ("ks", "psi"):
        measured = view.measured.get(method)
        found[method] = None if measured is None else _number(measured.statistic[at])
        found[f"{method}_threshold"] = None if measured is None or measured.threshold is None else _number(measured.threshold[at])
    if n < settings.fewest_rows:
        return found | {"reason": f"{name}: {n} values, fewer than {settings.fewest_rows}"}
    moved = f"{name}: {effect or 0.0:.1%} of the rows moved (PSI {found['psi'] or 0.0:.3f}) over {n:,} values"
    return found | {"reason": moved if found["drifting"] else f"{moved}: no more than chance, or less than matters"}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
