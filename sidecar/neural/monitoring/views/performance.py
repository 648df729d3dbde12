"""How good the model is, as far as labels have come in."""

from __future__ import annotations

from typing import Any

from neural.monitoring.store import Store
from neural.monitoring.views.current import Current, current, history, outcome, verdict_dict

_FAMILY = "performance."
_NOT_METRICS = frozenset({"coverage", "labels"})


def performance(store: Store, now: float, *, model: str | None = None, version: str | None = None) -> dict[str, Any]:
    """``status`` ("ok" | "no_data"), ``timestamp``, ``model``, ``coverage`` (share of predictions with labels), ``labels``
    (their count), ``metrics`` {name: {value, time, outcome, verdict, history}}: accuracy, precision, recall, f1, roc_auc,
    log_loss, brier, mae, rmse, r2, as far as they are known.
    """
    now_state = current(store, model=model, version=version)
    found = performance_now(now_state)
    for name, metric in found["metrics"].items():
        metric["history"] = history(store, now_state, f"{_FAMILY}{name}")
    return {
        "status": "ok" if found["metrics"] else "no_data",
        "timestamp": now,
        "model": {"name": now_state.model, "version": now_state.version},
        **found,
    }


def performance_now(now_state: Current) -> dict[str, Any]:
    """Coverage, labels and the metrics of the newest evaluation, without history."""
    metrics = {}
    for name in sorted(now_state.by_name):
        short = name.removeprefix(_FAMILY)
        signal = now_state.one(name)
        if name.startswith(_FAMILY) and short not in _NOT_METRICS and signal is not None and signal.value is not None:
            metrics[short] = {
                "value": signal.value,
                "time": signal.time,
                "outcome": outcome(signal),
                "verdict": verdict_dict(signal.verdict),
            }
    return {
        "coverage": now_state.value("performance.coverage"),
        "labels": now_state.value("performance.labels"),
        "metrics": metrics,
    }
