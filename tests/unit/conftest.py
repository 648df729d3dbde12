"""State as a sidecar leaves it, for the rooms that only read: views, CLI, API."""

from __future__ import annotations

import pytest

from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import AlertRow, OutboxRow, Report, Silence, Store

NOW = 1_700_000_000.0
LABELS = {"model": "fraud", "version": "3"}
LEDGER = {"seen": 1000, "shipped": 990, "sampled_out": 10, "dropped": {}, "in_flight": 0}


def _signals(now: float, *, bad: bool) -> list[Signal]:
    judged = Outcome.BAD if bad else Outcome.OK

    def one(name, value, verdict=None, **labels):
        return Signal(name, value, now, {**LABELS, **labels}, verdict)

    def said(reason, outcome=judged, **evidence):
        return Verdict(outcome, reason, 0.31, 0.2, 500, 0.001, 0.4, "psi", evidence)

    return [
        one("requests.rate", 12.5), one("requests.count", 750.0), one("rows.count", 900.0), one("error_rate", 0.06 if bad else 0.001),
        one("client_error_rate", 0.0), one("unparsed_rate", 0.0), one("traffic.staleness", 0.4),
        one("latency.p50", 0.012), one("latency.p95", 0.045), one("latency.p99", 0.09), one("latency.mean", 0.015),
        one("drift.alarm", float(bad), said("age moved: PSI 0.31 over 0.2" if bad else "No drift in 2 features")),
        one("drift.score", 0.31 if bad else 0.02), one("drift.prediction_score", 0.05),
        one("drift.feature_score", 0.31 if bad else 0.02, said("PSI 0.31", moved=["(20, 30]"]), feature="age"),
        one("drift.psi", 0.31 if bad else 0.02, feature="age"), one("drift.ks", 0.2, feature="age"),
        one("drift.feature_score", 0.01, Verdict(Outcome.OK, "PSI 0.01 under 0.2"), feature="temp"),
        one("quality.alarm", float(bad), said("12 % of temp is missing" if bad else "All well")),
        one("quality.score", 0.6 if bad else 0.99), one("quality.missing_rate", 0.12 if bad else 0.0),
        one("quality.feature_missing_rate", 0.12 if bad else 0.0, said("12 % missing"), feature="temp"),
        one("performance.accuracy", 0.91, Verdict(Outcome.OK, "0.91 over 0.8")), one("performance.coverage", 0.4), one("performance.labels", 360.0),
        one("slo.compliance", 0.98 if bad else 0.9995, said("98 % of 99 %" if bad else "99.95 % of 99 %"), slo="fast"),
        one("slo.target", 0.99, slo="fast"), one("slo.budget_remaining", -1.0 if bad else 0.95, slo="fast"),
        one("slo.burn_rate", 20.0 if bad else 0.05, slo="fast", window="1h"), one("slo.burn_alert", float(bad), slo="fast", severity="page"),
        one("capture.loss_ratio", 0.0), one("sidecar.backlog", 0.0),
    ]  # fmt: skip


def fill(store: Store, now: float = NOW, *, bad: bool = False, evaluations: int = 30) -> None:
    """``evaluations`` minutes up to now; with ``bad``, the last third of them had an incident that still goes on."""
    store.put_value(
        "sidecar", {"started_at": now - 3600.0, "model": {"name": "fraud", "version": "3"}, "evaluate_every_seconds": 60.0}
    )
    store.put_value(
        "capture", {"ledger": LEDGER, "sources": {"web:1": LEDGER}, "counters": {"events": 990.0, "rows": 1100.0, "failed": 4.0}}
    )
    for number in range(evaluations):
        time = now - 60.0 * (evaluations - 1 - number)
        is_bad = bad and number >= evaluations * 2 // 3
        store.write_signals(_signals(time, bad=is_bad))
        store.add_report(Report("drift", time, "fraud", "3", {
            "timestamp": time, "is_drifting": is_bad, "drift_severity": "critical" if is_bad else "none", "prediction_drift": 0.05,
            "performance_drift": None, "data_distribution_drift": 0.31 if is_bad else 0.02}))  # fmt: skip
        store.add_report(Report("quality", time, "fraud", "3", {
            "timestamp": time, "is_healthy": not is_bad, "quality_score": 0.6 if is_bad else 0.99, "missing_rate": 0.12 if is_bad else 0.0,
            "outlier_rate": 0.0, "invalid_rate": 0.0, "warnings": ["12 % of temp is missing"] if is_bad else []}))  # fmt: skip
    if bad:
        _incident(store, now)


def _incident(store: Store, now: float) -> None:
    def alert(number, severity, state, **more):
        return AlertRow(f"a{number}", f"f{number}", f"rule {number}", severity, state, f"Title {number}", f"message {number}", "drift.score",
                        now - 600.0 * number, labels={**LABELS, "feature": "age"}, evidence={"value": 0.31}, **more)  # fmt: skip

    store.put_alert(alert(1, "critical", "firing", fired_at=now - 500.0, updated_at=now - 500.0))
    store.put_alert(alert(2, "warning", "resolved", fired_at=now - 1100.0, resolved_at=now - 900.0, updated_at=now - 900.0))
    store.put_alert(alert(3, "warning", "pending", updated_at=now))
    store.put_alert(
        alert(400, "info", "resolved", fired_at=now - 239_000.0, resolved_at=now - 238_000.0, updated_at=now - 238_000.0)
    )
    store.put_silence(Silence("s1", {"rule": "rule 2"}, now - 60.0, now + 3600.0, "ada", "deploy"))
    store.put_outbox(OutboxRow("m1", "a1", "slack", {"text": "hello"}, created_at=now))
    store.add_report(
        Report(
            "decode_failure", now, "fraud", "3", {"reason": "not_json", "detail": "byte 0", "prediction_id": "p1", "path": "/v1"}
        )
    )


@pytest.fixture
def now() -> float:
    return NOW


@pytest.fixture
def fill_store():
    """``fill(store, now, bad=…)``: thirty minutes of a sidecar's state."""
    return fill
