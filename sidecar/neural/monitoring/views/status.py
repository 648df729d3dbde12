"""Everything on one page: the seed's monitoring summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neural.monitoring.store import Store
from neural.monitoring.views.alerts import alerts
from neural.monitoring.views.capture import capture_now
from neural.monitoring.views.current import SIDECAR, Current, current, history, models
from neural.monitoring.views.drift import drift_now
from neural.monitoring.views.health import health_now
from neural.monitoring.views.performance import performance_now
from neural.monitoring.views.quality import quality_now
from neural.monitoring.views.slos import slos_now

QUANTILES = ("p50", "p95", "p99", "mean")
_ROWS_DETAIL = ("features", "verdict")


def status(store: Store, now: float, *, model: str | None = None, version: str | None = None) -> dict[str, Any]:
    """The whole state in short.

    Keys of the seed: ``model`` {name, version}, ``uptime_seconds`` (None when no sidecar ever ran here;
    of one that was stopped: until then), ``total_predictions``,
    ``total_errors``, ``error_rate``, ``drift``, ``quality``, ``predictions`` {status, rate (1/s), requests, rows (in the window),
    latency {p50, p95, p99, mean, in seconds}}, ``slos`` {name: …}, ``alerts`` (last 24 hours).
    Beside them ``status`` and ``issues`` as in ``health``, ``timestamp``, ``performance``, ``capture``, ``models``,
    ``last_evaluation``, ``history`` {rate, error_rate, latency_p95}: [time, value] pairs for sparklines. Totals are since the
    state began; None when unknown.
    """
    now_state = current(store, model=model, version=version)
    about: Mapping[str, Any] = store.value(SIDECAR, {}) or {}
    well = health_now(store, now, now_state)
    ledger = capture_now(store, now, now_state)
    counters = ledger["counters"]
    started, until = about.get("started_at"), min(now, now_state.stopped_at or now)
    return {
        "status": well["status"],
        "issues": well["issues"],
        "timestamp": now,
        "model": {"name": now_state.model, "version": now_state.version},
        "models": [{"name": name, "version": release} for name, release in models(store)],
        "uptime_seconds": None if started is None else max(0.0, until - float(started)),
        "last_evaluation": now_state.newest,
        "total_predictions": _count(counters, "rows", now_state.value("rows.count")),
        "total_errors": _count(counters, "failed", None),
        "error_rate": now_state.value("error_rate"),
        "drift": _short(drift_now(now_state)),
        "quality": _short(quality_now(now_state)),
        "performance": performance_now(now_state),
        "predictions": predictions_now(now_state),
        "slos": slos_now(now_state),
        "alerts": {key: value for key, value in alerts(store, now).items() if key not in {"alerts", "silences", "dead_letters"}},
        "capture": ledger["ledger"],
        "history": {
            "rate": history(store, now_state, "requests.rate"),
            "error_rate": history(store, now_state, "error_rate"),
            "latency_p95": history(store, now_state, "latency.p95"),
        },
    }


def predictions_now(now_state: Current) -> dict[str, Any]:
    """Traffic and latency of the window at the newest evaluation."""
    requests = now_state.value("requests.count")
    return {
        "status": "ok" if requests else "no_data",
        "requests": requests,
        "rows": now_state.value("rows.count"),
        "rate": now_state.value("requests.rate"),
        "client_error_rate": now_state.value("client_error_rate"),
        "unparsed_rate": now_state.value("unparsed_rate"),
        "staleness_seconds": now_state.value("traffic.staleness"),
        "latency": {name: now_state.value(f"latency.{name}") for name in QUANTILES},
    }


def _count(counters: Mapping[str, Any], name: str, otherwise: float | None) -> int | None:
    value = counters.get(name, otherwise)
    return None if value is None else int(value)


def _short(detailed: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict without its tables; of the features only how many are bad, and which."""
    bad = [row["feature"] for row in detailed["features"] if row["outcome"] == "bad"]
    rest = {key: value for key, value in detailed.items() if key not in _ROWS_DETAIL}
    state = {"ok": "ok", "bad": "bad"}.get(str(detailed["outcome"]), "no_data")
    return {"status": state, **rest, "bad_features": bad}
