"""State as a sidecar leaves it, for the rooms that only read: views, CLI, API."""

from __future__ import annotations

import pytest

from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import AlertRow, OutboxRow, Report, Silence, Store

NOW = 1_700_000_000.0
LABELS = {"model": "fraud", "version": "3"}
FOUND = [{"column": "age", "kind": "reordered_columns", "count": 40.0, "rows": 900.0, "rate": 40 / 900, "text": "age stands where temp is expected",
          "first_seen": NOW - 540.0, "example": "age, not temp", "examples": ["age, not temp"], "row_ids": ["pred_001"]}]  # fmt: skip
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
        one("quality.alarm", float(bad), said("12% of temp is missing" if bad else "All well", schema=FOUND if bad else [])),
        one("quality.score", 0.6 if bad else 0.99), one("quality.missing_rate", 0.12 if bad else 0.0),
        one("quality.feature_missing_rate", 0.12 if bad else 0.0, said("12% missing"), feature="temp"),
        *_quality_checks(one, said, bad), *_by_part(one, said, bad),
        one("performance.accuracy", 0.91, Verdict(Outcome.OK, "0.91 over 0.8")), one("performance.coverage", 0.4), one("performance.labels", 360.0),
        one("slo.compliance", 0.98 if bad else 0.9995, said("98% of 99%" if bad else "99.95% of 99%"), slo="fast"),
        one("slo.target", 0.99, slo="fast"), one("slo.budget_remaining", -1.0 if bad else 0.95, slo="fast"),
        one("slo.burn_rate", 20.0 if bad else 0.05, slo="fast", window="1h"), one("slo.burn_alert", float(bad), slo="fast", severity="page"),
        one("capture.loss_ratio", 0.0), one("sidecar.backlog", 0.0),
    ]  # fmt: skip


def _quality_checks(one, said, bad):
    """Whole columns and rows: with ``bad``, two columns have changed places and the newest row is old."""
    fine = Outcome.OK
    yield one("quality.schema_violations", float(bad), said("age stands where temp is expected" if bad else "as they should be"))
    yield one("quality.stuck_columns", 0.0, said("as they should be", fine))
    yield one("quality.shifted_columns", 0.0, said("as they should be", fine))
    yield one("quality.duplicate_rate", 0.02, said("18 of 900 rows are repeated", Outcome.UNKNOWN))
    yield one(
        "quality.freshness", 900.0 if bad else 1.5, said("the newest row is 900 s old" if bad else "the newest row is 1.5 s old")
    )


def _by_part(one, said, bad):
    """The two classes, and two segments of which one is worse with ``bad``."""
    for name, support in (("no", 200), ("yes", 160)):
        for metric in ("precision", "recall", "f1"):
            evidence = {"class": name, "support": support, "called": support - 10, "interval": [0.84, 0.92]}
            yield one(f"performance.class_{metric}", 0.88, said(f"{metric} of {name}", Outcome.OK, **evidence), **{"class": name})
    for segment, value in (("city=oslo", 0.71 if bad else 0.91), ("city=rome", 0.92)):
        judged = Outcome.BAD if value < 0.8 else Outcome.OK
        yield one("performance.segment_accuracy", value, said(f"accuracy of {segment}", judged, interval=[value - 0.04, value + 0.03]),
                  segment=segment)  # fmt: skip


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
            "outlier_rate": 0.0, "invalid_rate": 0.0, "warnings": ["12% of temp is missing"] if is_bad else []}))  # fmt: skip
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
