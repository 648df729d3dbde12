"""The features behind a drift or quality alert, and what moved in each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from neural.monitoring.alerts.index import SignalView
from neural.monitoring.signal import Outcome, Signal

_TOP_FEATURES = 5
_MOST_MOVED = 3
_MOST_JSON_BYTES = 16_384
"""Evidence of one signal beyond this is left out: alerts travel through chat and mail."""
_FEATURE_SIGNALS = {
    "drift": ("drift.feature_score", "drift.evidence"),
    "quality": (
        "quality.feature_missing_rate",
        "quality.feature_invalid_rate",
        "quality.feature_unseen_rate",
        "quality.feature_outlier_rate",
    ),
}


def top_features(family: str, view: SignalView, details: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Worst first, with what their own verdicts say, and the bins that moved most."""
    if family not in _FEATURE_SIGNALS:
        return []
    if family not in view.memo:
        view.memo[family] = _rank(family, view)
    moved = {one["feature"]: one["moved"][:_MOST_MOVED] for one in _told(details) if one.get("moved")} or _risen(details)
    return [{**entry, **({"moved": moved[entry["feature"]]} if entry["feature"] in moved else {})} for entry in view.memo[family]]


def bounded(details: Mapping[str, Any]) -> Any:
    """The details, or how large they are."""
    try:
        size = len(json.dumps(details, default=str))
    except (TypeError, ValueError):
        return {}
    return dict(details) if size <= _MOST_JSON_BYTES else {"left_out": f"{size} bytes of details: see the command"}


def _told(details: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    features = details.get("features", ())
    return (
        [one for one in features if isinstance(one, Mapping) and "feature" in one] if isinstance(features, list | tuple) else ()
    )


def _risen(details: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What quality found: each trouble of a column as a bin of its own."""
    risen: dict[str, list[dict[str, Any]]] = {}
    for one in details.get("findings", ()):
        if one.get("reference_rate") is not None:
            entry = {"bin": one["kind"], "reference": one["reference_rate"], "current": one["rate"]}
            risen.setdefault(str(one["column"]), []).append(entry)
    return risen


def _rank(family: str, view: SignalView) -> list[dict[str, Any]]:
    found = [
        (_is_bad(signal), signal.value, _entry(name, signal))
        for name in _FEATURE_SIGNALS[family]
        for signal in view.series(name).values()
        if signal.value
    ]
    found.sort(key=lambda item: item[:2], reverse=True)
    named = [item for item in found if item[0]] or found  # next to a feature that is found bad, the others are noise
    best: dict[str, dict[str, Any]] = {}
    for _, _, entry in named:
        best.setdefault(entry["feature"], entry)
    return list(best.values())[:_TOP_FEATURES]


def _is_bad(signal: Signal) -> bool:
    return signal.verdict is not None and signal.verdict.outcome is Outcome.BAD


def _entry(name: str, signal: Signal) -> dict[str, Any]:
    verdict = signal.verdict
    entry: dict[str, Any] = {
        "feature": signal.labels.get("feature", ""),
        "signal": name,
        "value": signal.value,
        "reason": verdict.reason if verdict is not None else "",
    }
    if verdict is not None and _is_bad(signal) and verdict.evidence:
        entry["details"] = bounded(verdict.evidence)
    return entry
