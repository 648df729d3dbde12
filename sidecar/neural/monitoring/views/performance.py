"""How good the model is, as far as labels have come in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from neural.monitoring.signal import Signal
from neural.monitoring.store import Store
from neural.monitoring.views.current import Current, current, history, outcome, reason, verdict_dict

_FAMILY = "performance."
_ESTIMATED = "estimated_"
_CLASS, _SEGMENT = "performance.class_", "performance.segment_"
_WORST_FIRST = ("bad", "ok", "unknown")
_NOT_METRICS = frozenset({"coverage", "labels", "label_delay"})
CLASS_METRICS = ("precision", "recall", "f1")
SEGMENT_METRICS = ("accuracy", "precision", "recall", "f1", "mae", "rmse", "r2")
MOST_SEGMENT_METRICS = 3


def performance(store: Store, now: float, *, model: str | None = None, version: str | None = None) -> dict[str, Any]:
    """``status`` ("ok" | "no_data"), ``timestamp``, ``model``, ``coverage`` (share of predictions with labels), ``labels``
    (their count), ``metrics`` {name: {value, interval, time, outcome, verdict, history}}: accuracy, precision, recall, f1,
    roc_auc, log_loss, brier, mae, rmse, r2, as far as they are known, and ``estimated`` {name: the same without history}: without
    labels. ``interval`` is [low, high] or None. ``classes`` and ``segments``: see ``classes_now`` and ``segments_now``.
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
        "classes": classes_now(now_state),
        "segments": segments_now(now_state),
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
            "interval": interval_of(signal),
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


def classes_now(now_state: Current) -> list[dict[str, Any]]:
    """By class, the most frequent first: ``class``, ``labels`` of it, ``predictions`` of it, ``metrics`` {precision, recall, f1:
    {value, interval, outcome, reason}}."""
    rows: dict[str, dict[str, Any]] = {}
    for short, signal in _labelled(now_state, _CLASS, "class"):
        row = rows.setdefault(
            signal.labels["class"], {"class": signal.labels["class"], "labels": None, "predictions": None, "metrics": {}}
        )
        evidence = _evidence(signal)
        row["labels"], row["predictions"] = evidence.get("support", row["labels"]), evidence.get("called", row["predictions"])
        row["metrics"][short] = _measured(signal)
    return sorted(rows.values(), key=lambda row: (-(row["labels"] or 0), row["class"]))


def segments_now(now_state: Current) -> list[dict[str, Any]]:
    """By segment, those that are worse than the whole first, then those with most labels: ``segment`` ("carrier=AA"), ``labels``,
    ``outcome``, ``metrics`` {name: {value, interval, outcome, reason}}."""
    rows: dict[str, dict[str, Any]] = {}
    for short, signal in _labelled(now_state, _SEGMENT, "segment"):
        row = rows.setdefault(
            signal.labels["segment"], {"segment": signal.labels["segment"], "labels": None, "outcome": "unknown", "metrics": {}}
        )
        row["metrics"][short] = _measured(signal)
        row["outcome"] = min(row["outcome"], outcome(signal), key=_WORST_FIRST.index)
        size = signal.verdict.sample_size if signal.verdict else None
        row["labels"] = row["labels"] if size is None else max(size, row["labels"] or 0)
    return sorted(rows.values(), key=lambda row: (row["outcome"] != "bad", -(row["labels"] or 0), row["segment"]))


def segment_metrics(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The metrics that a table of segments has room for: the first few that any of them has."""
    known = {name for row in rows for name in row["metrics"]}
    return [name for name in SEGMENT_METRICS if name in known][:MOST_SEGMENT_METRICS]


def worst(segment: Mapping[str, Any]) -> str:
    """Why a segment is bad: of its first metric that is; "" when none is."""
    return next((str(one["reason"]) for one in segment["metrics"].values() if one["outcome"] == "bad"), "")


def _labelled(now_state: Current, prefix: str, label: str) -> list[tuple[str, Signal]]:
    return [
        (name.removeprefix(prefix), signal)
        for name in sorted(now_state.by_name)
        if name.startswith(prefix)
        for signal in now_state.by_name[name]
        if label in signal.labels
    ]


def _measured(signal: Signal) -> dict[str, Any]:
    return {"value": signal.value, "interval": interval_of(signal), "outcome": outcome(signal), "reason": reason(signal)}


def interval_of(signal: Signal) -> list[float] | None:
    """[low, high] from the evidence; None where it is not known (the store keeps evidence with the newest verdict, and where one changed)."""
    bounds = _evidence(signal).get("interval")
    if not isinstance(bounds, list | tuple) or len(bounds) != 2 or not all(isinstance(bound, int | float) for bound in bounds):
        return None
    return [float(bound) for bound in bounds]


def _evidence(signal: Signal) -> Mapping[str, Any]:
    return signal.verdict.evidence if signal.verdict else {}
