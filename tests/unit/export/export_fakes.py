"""A small sidecar's snapshot, as values."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from neural.monitoring.export import TrafficTotals
from neural.monitoring.records import Column, Kind, RecordBatch, TrafficBatch
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import AlertRow
from neural.monitoring.views import Snapshot, SnapshotBoard
from neural.wire import Ledger

NOW = 1_700_000_000.0
MODEL = {"model": "flights", "version": "3"}


def traffic(
    latencies, *, statuses=None, failed=None, trace_ids=(), weights=None, unparsed=None, model="flights", version="3"
) -> TrafficBatch:
    n = len(latencies)
    return TrafficBatch(
        model=model,
        version=version,
        times=NOW + np.arange(n, dtype=np.float64),
        latency_seconds=np.array(latencies, dtype=np.float64),
        status=np.array(statuses if statuses is not None else [200] * n, dtype=np.int32),
        failed=np.array(failed if failed is not None else [False] * n, dtype=np.bool_),
        weights=np.array(weights if weights is not None else [1.0] * n, dtype=np.float64),
        unparsed=unparsed or {},
        trace_ids=trace_ids,
    )


def rows(n: int, *, model="flights", version="3", weights=None) -> RecordBatch:
    column = Column("x", Kind.NUMERIC, np.zeros(n), np.zeros(n, dtype=np.bool_))
    return RecordBatch(model, version, np.full(n, NOW), [f"r{i}" for i in range(n)], {"x": column}, weights=weights)


def signal(name: str, value: float | None, *, bad: bool | None = None, **labels: str) -> Signal:
    verdict = None if bad is None else Verdict(Outcome.BAD if bad else Outcome.OK, "because")
    return Signal(name, value, NOW, {**MODEL, **labels}, verdict)


def signals(features: int = 2) -> list[Signal]:
    found = [
        signal("drift.score", 0.31, bad=True),
        signal("drift.prediction_score", 0.1),
        signal("drift.performance_score", None),
        signal("drift.alarm", 1.0),
        signal("quality.score", 0.97, bad=False),
        signal("quality.missing_rate", 0.02),
        signal("quality.outlier_rate", 0.01),
        signal("quality.invalid_rate", 0.005),
        signal("performance.accuracy", 0.9),
        signal("performance.precision", 0.8),
        signal("performance.recall", 0.7),
        signal("performance.f1", 0.75),
        signal("performance.roc_auc", 0.85),
        signal("slo.budget_remaining", 0.4, slo="fast"),
        signal("slo.burn_rate", 14.5, slo="fast", window="1h"),
        signal("slo.burn_alert", 1.0, slo="fast", severity="page"),
        signal("latency.p95", 0.12),
        signal("latency.p50", 0.02),
        signal("latency.p99", 0.5),
        signal("requests.rate", 12.0),
        signal("error_rate", 0.01),
        signal("traffic.staleness", 2.0),
        signal("drift.features", 1.0),
        signal("drift.model_evidence", 3.0),
        signal("drift.concept_score", 0.2),
        signal("quality.alarm", 0.0),
        signal("quality.unseen_rate", 0.001),
        signal("performance.coverage", 0.6),
        signal("performance.labels", 600.0),
        signal("slo.compliance", 0.995, slo="fast"),
        signal("slo.target", 0.99, slo="fast"),
        signal("capture.loss_ratio", 0.05),
        signal("sidecar.evaluation_seconds", 0.02),
        signal("sidecar.backlog", 3.0),
        signal("capture.seen", 100.0),
        signal("sidecar.memory_bytes", 1e8),
        signal("my.own", 7.0, tier="gold"),
    ]
    for index in range(features):
        methods, checks = ("feature_score", "ks", "psi", "wasserstein", "evidence"), ("missing", "outlier", "invalid", "unseen")
        found += [signal(f"drift.{method}", 0.01 * (index + 1), feature=f"f{index}") for method in methods]
        found += [signal(f"quality.feature_{check}_rate", 0.001, feature=f"f{index}") for check in checks]
    return found


def alert(rule: str, state: str = "firing", number: int = 1) -> AlertRow:
    return AlertRow(f"{rule}-{number}", rule, rule, "critical", state, rule, "because", "rules", NOW)


def board(features: int = 2) -> SnapshotBoard:
    ledgers = {
        "host:1": Ledger(seen=60, shipped=50, sampled_out=4, dropped={"ring_full": 5}, in_flight=1),
        "host:2": Ledger(seen=40, shipped=40),
    }
    return SnapshotBoard(
        Snapshot(
            time=NOW,
            started_at=NOW - 60,
            signals=tuple(signals(features)),
            ledgers=ledgers,
            alerts=(alert("High Error Rate"), alert("High Error Rate", number=2), alert("Slow", "pending")),
            counters={"events": 90.0, "unparsed.not_json": 2.0},
            models=(("flights", "3"),),
        )
    )


def totals() -> TrafficTotals:
    made = TrafficTotals()
    made.observe_traffic_at_once(
        traffic([0.003, 0.02, 2.0], statuses=[200, 500, 404], failed=[False, True, False], trace_ids=["a" * 32, "", "b" * 32])
    )
    made.observe_traffic_at_once(traffic([], unparsed={"not_json": 1}))
    made.observe_rows_at_once(rows(5))
    judge(made, Outcome.BAD, 0.31)
    return made


def judge(made: TrafficTotals, outcome: Outcome, score: float | None) -> None:
    """What the totals see when the drift monitor has spoken before them."""
    alarm = Signal("drift.alarm", float(outcome is Outcome.BAD), NOW, MODEL, Verdict(outcome, "because"))
    earlier = (alarm, Signal("drift.score", score, NOW, MODEL))
    made.evaluate(SimpleNamespace(model="flights", version="3", earlier=earlier))
