"""How good the model is, as far as labels have come in."""

from __future__ import annotations

from typing import Any

from neural.monitoring.store import Store
from neural.monitoring.views.current import Current, current, history, outcome, verdict_dict

_FAMILY = "performance."
_ESTIMATED = "estimated_"
_NOT_METRICS = frozenset({"coverage", "labels", "label_delay"})


def performance(store: Store, now: float, *, model: str | None = None, version: str | None = None) -> dict[str, Any]:
    """``status`` ("ok" | "no_data"), ``timestamp``, ``model``, ``coverage`` (share of predictions with labels), ``labels``
    (their count), ``metrics`` {name: {value, time, outcome, verdict, history}}: accuracy, precision, recall, f1, roc_auc,
    log_loss, brier, mae, rmse, r2, as far as they are known, and ``estimated`` {name: the same without history}: without labels.
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
    metrics: dict[str, Any] = {}
    estimated: dict[str, Any] = {}
    for name in sorted(now_state.by_name):
        short = name.removeprefix(_FAMILY)
        signal = now_state.one(name)
        if not name.startswith(_FAMILY) or short in _NOT_METRICS or signal is None or signal.value is None:
            continue
        group, key = (estimated, short.removeprefix(_ESTIMATED)) if short.startswith(_ESTIMATED) else (metrics, short)
        group[key] = {
            "value": signal.value,
            "time": signal.time,
            "outcome": outcome(signal),
            "verdict": verdict_dict(signal.verdict),
        }
    return {
        "coverage": now_state.value("performance.coverage"),
        "labels": now_state.value("performance.labels"),
        "label_delay_seconds": now_state.value("performance.label_delay"),
        "metrics": metrics,
        "estimated": estimated,
    }
