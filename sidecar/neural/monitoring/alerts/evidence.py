"""What an alert tells a person besides that it fired: numbers, reasons, where to look, and how far to trust it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from neural.monitoring.alerts.index import SignalView
from neural.monitoring.alerts.rule import Answer, Rule
from neural.monitoring.signal import Outcome, Signal

_TOP_FEATURES = 5
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
OWN_NAMES = ("value", "threshold", "reason", "rule", "severity", "title")
"""What a message can name beside numbers and labels."""
_COMMANDS = {"drift": "drift", "quality": "quality", "slo": "slo", "capture": "health", "sidecar": "health"}


def evidence_of(
    rule: Rule, answer: Answer, view: SignalView, now: float, *, dashboard_url: str = "", versions: tuple[str, ...] = ()
) -> dict[str, Any]:
    """JSON-able: value, threshold, reason, n, the signals' own evidence, top features, capture health, commands, links."""
    told = answer.signals[0] if answer.signals else None
    verdict = told.verdict if told is not None else None
    evidence: dict[str, Any] = {
        "reason": answer.error or answer.reason or rule.condition.describe(),
        "condition": rule.condition.describe(),
        "value": answer.value,
        "threshold": answer.threshold,
        "n": verdict.sample_size if verdict is not None else _count(view),
        "signals": {_label(signal): signal.value for signal in answer.signals},
        "command": _command(rule),
        "as_of": now,
    }
    if answer.error:
        evidence["error"] = answer.error
    if verdict is not None:
        evidence |= {
            "method": verdict.method,
            "p_value": verdict.p_value,
            "effect_size": verdict.effect_size,
            "details": _bounded(verdict.evidence),
        }
    if features := top_features(rule.family, view):
        evidence["top_features"] = features
    if capture := _capture(view):
        evidence["capture"] = capture
    if len(versions) > 1:
        evidence["versions"] = list(versions)
    if dashboard_url:
        evidence["dashboard"] = f"{dashboard_url.rstrip('/')}/?{urlencode({'at': f'{now:.0f}', 'model': view.scope[0]})}"
    return {key: value for key, value in evidence.items() if value not in (None, "")}


def top_features(family: str, view: SignalView) -> list[dict[str, Any]]:
    """The features behind a drift or quality alert, worst first, with what their own verdicts say."""
    if family not in _FEATURE_SIGNALS:
        return []
    if family not in view.memo:
        view.memo[family] = _rank_features(family, view)
    ranked: list[dict[str, Any]] = view.memo[family]
    return ranked


def _rank_features(family: str, view: SignalView) -> list[dict[str, Any]]:
    found: list[tuple[bool, float, dict[str, Any]]] = []
    for name in _FEATURE_SIGNALS[family]:
        for signal in view.series(name).values():
            if signal.value:
                reason = signal.verdict.reason if signal.verdict is not None else ""
                bad = signal.verdict is not None and signal.verdict.outcome is Outcome.BAD
                entry: dict[str, Any] = {
                    "feature": signal.labels.get("feature", ""),
                    "signal": name,
                    "value": signal.value,
                    "reason": reason,
                }
                if bad and signal.verdict is not None and signal.verdict.evidence:
                    entry["details"] = _bounded(signal.verdict.evidence)
                found.append((bad, signal.value, entry))
    found.sort(key=lambda item: item[:2], reverse=True)
    named = [item for item in found if item[0]] or found  # next to a feature that is found bad, the others are noise
    best: dict[str, dict[str, Any]] = {}
    for _, _, entry in named:
        best.setdefault(entry["feature"], entry)
    return list(best.values())[:_TOP_FEATURES]


def message_values(answer: Answer, flat: Mapping[str, float], labels: Mapping[str, str], rule: Rule) -> dict[str, Any]:
    """What a message template can name: every number, the labels, and ``value``, ``threshold``, ``reason``, ``rule``, ``severity``."""
    own = {"value": answer.value, "threshold": answer.threshold, "reason": answer.error or answer.reason, "rule": rule.name}
    return {**flat, **labels, **own, "severity": str(rule.severity), "title": rule.name}


def _count(view: SignalView) -> int | None:
    for name in ("rows.count", "requests.count"):
        for signal in view.series(name).values():
            if signal.value is not None:
                return round(signal.value)
    return None


def _capture(view: SignalView) -> dict[str, float]:
    """Whether what the alert rests on was seen whole."""
    found: dict[str, float] = {}
    for name in ("capture.loss_ratio", "unparsed_rate", "traffic.staleness"):
        for signal in view.series(name).values():
            if signal.value is not None:
                found[name] = signal.value
    return found


def _command(rule: Rule) -> str:
    return f"neural monitor {_COMMANDS.get(rule.family, 'status')} --format json"


def _label(signal: Signal) -> str:
    return signal.name + "".join(f"[{value}]" for name, value in signal.labels.items() if name not in ("model", "version"))


def _bounded(details: Mapping[str, Any]) -> Any:
    try:
        size = len(json.dumps(details, default=str))
    except (TypeError, ValueError):
        return {}
    return dict(details) if size <= _MOST_JSON_BYTES else {"left_out": f"{size} bytes of details: see the command"}
