"""The questions by their names in CLI and API, asked with a mapping of what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from neural.monitoring.store import Store
from neural.monitoring.views.alerts import alerts
from neural.monitoring.views.capture import capture
from neural.monitoring.views.drift import drift
from neural.monitoring.views.health import health
from neural.monitoring.views.moment import store_at
from neural.monitoring.views.performance import performance
from neural.monitoring.views.quality import quality
from neural.monitoring.views.references import references
from neural.monitoring.views.slos import slos
from neural.monitoring.views.status import status

DEFAULT_WINDOW = 100
"""Evaluations that drift and quality sum up."""
DEFAULT_HOURS = 24.0
Question = Callable[[Store, float, Mapping[str, Any]], dict[str, Any]]


def _which(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"model": wanted.get("model"), "version": wanted.get("version")}


QUESTIONS: Mapping[str, Question] = {
    "status": lambda store, now, wanted: status(store, now, **_which(wanted)),
    "drift": lambda store, _, wanted: drift(store, wanted.get("window", DEFAULT_WINDOW), **_which(wanted)),
    "quality": lambda store, _, wanted: quality(store, wanted.get("window", DEFAULT_WINDOW), **_which(wanted)),
    "performance": lambda store, now, wanted: performance(store, now, **_which(wanted)),
    "alerts": lambda store, now, wanted: alerts(store, now, wanted.get("hours", DEFAULT_HOURS), wanted.get("severity")),
    "slo": lambda store, now, wanted: slos(store, now, wanted.get("name"), **_which(wanted)),
    "references": lambda store, now, wanted: references(store, now, **_which(wanted)),
    "ledger": lambda store, now, _: capture(store, now),
    "health": lambda store, now, wanted: health(store, now, **_which(wanted)),
}
"""Name → (store, now, wanted) → answer. ``wanted``: model, version; window (drift, quality); hours, severity (alerts); name (slo)."""


def ask(question: str, store: Store, now: float, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The answer; with ``at`` (Unix seconds) among what is wanted, as it was at that moment."""
    at = wanted.get("at")
    if at is None or at >= now:
        return QUESTIONS[question](store, now, wanted)
    then = store_at(store, at, wanted.get("hours", DEFAULT_HOURS))
    try:
        return QUESTIONS[question](then, at, wanted)
    finally:
        then.close()
