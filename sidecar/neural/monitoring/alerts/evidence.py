"""What an alert tells a person besides that it fired: numbers, reasons, examples, where to look, and how far to trust it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neural.monitoring.alerts.features import bounded, top_features
from neural.monitoring.alerts.index import SignalView
from neural.monitoring.alerts.pointers import command, dashboard_link
from neural.monitoring.alerts.rule import Answer, Rule
from neural.monitoring.alerts.subject import details_of, subject_of
from neural.monitoring.signal import Signal

OWN_NAMES = ("value", "threshold", "reason", "rule", "severity", "title")
"""What a message can name beside numbers and labels."""
_LEDGER = {
    "capture.seen": "seen",
    "capture.shipped": "shipped",
    "capture.sampled_out": "sampled_out",
    "capture.loss_ratio": "loss_ratio",
    "unparsed_rate": "unparsed_rate",
    "traffic.staleness": "staleness_seconds",
    "sidecar.backlog": "backlog",
}
_OF_REQUESTS = ("error_rate", "client_error_rate", "unparsed_rate", "latency", "requests", "traffic")

FindExamples = Callable[[Sequence[str], str, str, Mapping[str, Any]], list[dict[str, Any]]]
"""(families of the rule's signals, model, version, the verdict's evidence) → examples; see ``examples.py``."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What evidence needs to know of the house. ``command_options`` say on a command line where the state is."""

    dashboard_url: str = ""
    command_options: tuple[str, ...] = ()
    examples: FindExamples | None = None


def evidence_of(
    rule: Rule,
    answer: Answer,
    view: SignalView,
    now: float,
    *,
    around: Surroundings | None = None,
    versions: Mapping[str, Any] | None = None,
    of_versions: Sequence[SignalView] = (),
) -> dict[str, Any]:
    """JSON-able: value, threshold, reason, n, the signals' own evidence, top features, examples, capture's ledger, versions, command, link.

    ``versions``: which serve and served; ``of_versions``: what is known of each, for an alert that is about all of them.
    """
    around = around or Surroundings()
    told = answer.signals[0] if answer.signals else None
    verdict = told.verdict if told is not None else None
    details = verdict.evidence if verdict is not None else {}
    subject = subject_of(rule.family, details)
    whole, about = details_of(subject, of_versions or [view], details)
    features = top_features(subject, about, whole)
    labels = {**(told.labels if told is not None else {}), **answer.labels}
    evidence: dict[str, Any] = {
        "reason": answer.error or answer.reason or rule.condition.describe(),
        "condition": rule.condition.describe(),
        "value": answer.value,
        "threshold": answer.threshold,
        "n": verdict.sample_size if verdict is not None else _count(rule.family, view),
        "signals": {_label(signal): signal.value for signal in answer.signals},
        "command": command(rule.family, view.scope, labels, around.command_options, now),
        "as_of": now,
        "error": answer.error,
        "top_features": features,
        "ledger": _ledger(view),
        "versions": dict(versions or {}),
        "dashboard": dashboard_link(
            around.dashboard_url, rule.family, view.scope, labels, _chosen(features) if subject == rule.family else "", now
        ),
    }
    if verdict is not None:
        evidence |= {
            "method": verdict.method,
            "p_value": verdict.p_value,
            "effect_size": verdict.effect_size,
            "details": bounded(details),
        }
    if around.examples is not None:
        evidence["examples"] = around.examples(_families(rule, details), *view.scope, whole)
    return {key: value for key, value in evidence.items() if value not in (None, "", [], {})}


def message_values(answer: Answer, flat: Mapping[str, float], labels: Mapping[str, str], rule: Rule) -> dict[str, Any]:
    """What a message template can name: every number, the labels, and ``value``, ``threshold``, ``reason``, ``rule``, ``severity``."""
    own = {"value": answer.value, "threshold": answer.threshold, "reason": answer.error or answer.reason, "rule": rule.name}
    return {**flat, **labels, **own, "severity": str(rule.severity), "title": rule.name}


def _families(rule: Rule, details: Mapping[str, Any]) -> list[str]:
    """ "drift", "latency" …: what each signal that the rule reads is about, in its order."""
    names = [reference.name.partition(".")[0] for reference in rule.condition.references]
    return list(dict.fromkeys(subject_of(family, details) for family in (*names, rule.family)))


def _chosen(features: Sequence[Mapping[str, Any]]) -> str:
    return str(features[0]["feature"]) if features else ""


def _count(family: str, view: SignalView) -> int | None:
    """How many the alert rests on: requests where it is about requests, else rows."""
    names = ("requests.count", "rows.count") if family in _OF_REQUESTS else ("rows.count", "requests.count")
    for name in names:
        for signal in view.series(name).values():
            if signal.value is not None:
                return round(signal.value)
    return None


def _ledger(view: SignalView) -> dict[str, Any]:
    """Whether what the alert rests on was seen whole: the loss ledger, what could not be decoded, how old the newest request is."""
    found: dict[str, Any] = {}
    for name, key in _LEDGER.items():
        for signal in view.series(name).values():
            if signal.value is not None:
                found[key] = signal.value
    dropped = {path[-1]: signal.value for path, signal in view.series("capture.dropped").items() if path and signal.value}
    return {**found, **({"dropped": dropped} if dropped else {})}


def _label(signal: Signal) -> str:
    return signal.name + "".join(f"[{value}]" for name, value in signal.labels.items() if name not in ("model", "version"))
