"""Performance signals as one dict, for ``ModelMonitor.get_performance``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from neural.monitoring.signal import Signal

_FAMILY, _ESTIMATED, _CLASS, _SEGMENT = "performance.", "estimated_", "class_", "segment_"
_NOT_METRICS = frozenset({"coverage", "labels", "label_delay"})


def performance_report(signals: Iterable[Signal], counts: Mapping[str, float]) -> dict[str, Any]:
    """``status`` ("ok" | "no_data"), ``labels``, ``coverage``, ``label_delay_seconds``, ``state`` ("provisional" | "settled"), ``counts`` of the
    join, ``metrics`` {name: {value, interval, labels, outcome, reason}}, and the same by class, by segment, and ``estimated``."""
    report: dict[str, Any] = {"status": "no_data", "labels": 0, "coverage": None, "label_delay_seconds": None, "state": None}
    groups: dict[str, Any] = {"metrics": {}, "classes": {}, "segments": {}, "estimated": {}}
    for signal in signals:
        name = signal.name.removeprefix(_FAMILY)
        if name in _NOT_METRICS:
            report["label_delay_seconds" if name == "label_delay" else name] = signal.value
        elif name.startswith(_ESTIMATED):
            groups["estimated"][name.removeprefix(_ESTIMATED)] = _entry(signal)
        elif "class" in signal.labels:
            groups["classes"].setdefault(signal.labels["class"], {})[name.removeprefix(_CLASS)] = _entry(signal)
        elif "segment" in signal.labels:
            groups["segments"].setdefault(signal.labels["segment"], {})[name.removeprefix(_SEGMENT)] = _entry(signal)
        else:
            groups["metrics"][name] = _entry(signal)
            report["state"] = signal.verdict.evidence.get("state") if signal.verdict else None
    report["status"] = "ok" if groups["metrics"] else "no_data"
    report["labels"] = int(report["labels"] or 0)
    return report | groups | {"counts": dict(counts)}


def _entry(signal: Signal) -> dict[str, Any]:
    verdict = signal.verdict
    if verdict is None:
        return {"value": signal.value, "interval": None, "labels": None, "outcome": "unknown", "reason": ""}
    entry = {
        "value": signal.value,
        "interval": verdict.evidence.get("interval"),
        "labels": verdict.sample_size,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
    }
    return entry | ({"record": verdict.evidence["record"]} if "record" in verdict.evidence else {})
