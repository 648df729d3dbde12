from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.records import TrafficBatch
from neural.monitoring.traffic import TrafficMonitor
from neural.monitoring.windows import PaneStore, WindowSettings

NOW = 1_700_000_000.0


def _evaluate(latency: list[float], status: list[int], weights: list[float] | None = None, **more: object):
    n = len(latency)
    panes = PaneStore(WindowSettings(pane=1, length=60, evaluate_every=1), lambda: NOW)
    codes = np.array(status, dtype=np.int32)
    batch = TrafficBatch(
        "m", "1", np.full(n, NOW - 5), np.array(latency), codes, codes >= 500, np.array(weights or [1.0] * n), **more
    )  # fmt: skip
    panes.add_traffic(batch)
    return {signal.name: signal.value for signal in TrafficMonitor().evaluate(panes.evaluation("m", "1", NOW))}


def test_rates_and_shares_of_the_window() -> None:
    found = _evaluate([0.1] * 60, [500] * 3 + [404] * 6 + [200] * 51, unparsed={"not_json": 12})
    assert found["requests.count"] == 60
    assert found["requests.rate"] == pytest.approx(1.0)
    assert found["error_rate"] == pytest.approx(0.05)
    assert found["client_error_rate"] == pytest.approx(0.1)
    assert found["unparsed_rate"] == pytest.approx(0.2)
    assert found["latency.mean"] == pytest.approx(0.1)
    assert found["traffic.staleness"] == pytest.approx(5.0)


def test_a_young_model_has_the_rate_of_its_own_time_and_a_replay_agrees() -> None:
    panes = PaneStore(WindowSettings(pane=1, length=60, evaluate_every=1), lambda: NOW)
    batch = TrafficBatch(
        "m", "1", np.linspace(NOW - 5, NOW, 50), np.full(50, 0.1), np.full(50, 200), np.zeros(50, bool), np.ones(50)
    )
    panes.add_traffic(batch)
    monitor, resumed = TrafficMonitor(), TrafficMonitor()
    monitor.observe_traffic(batch)
    evaluation = panes.evaluation("m", "1", NOW)
    found = list(monitor.evaluate(evaluation))
    assert {signal.name: signal.value for signal in found}["requests.rate"] == pytest.approx(10.0)
    resumed.restore(json.loads(json.dumps(monitor.snapshot())))
    assert list(resumed.evaluate(evaluation)) == found


def test_sampled_requests_count_by_their_weight() -> None:
    found = _evaluate([0.1, 0.1], [200, 500], weights=[9.0, 1.0])
    assert found["requests.count"] == 10
    assert found["error_rate"] == pytest.approx(0.1)


def test_quantiles_are_within_a_cell_of_exact() -> None:
    latency = np.random.default_rng(0).lognormal(-3, 1, 5000)
    found = _evaluate(latency.tolist(), [200] * 5000)
    for name, q in (("latency.p50", 50), ("latency.p95", 95), ("latency.p99", 99)):
        assert found[name] == pytest.approx(np.percentile(latency, q), rel=0.03)


def test_without_traffic_shares_are_unknown_not_zero() -> None:
    panes = PaneStore(WindowSettings(), lambda: NOW)
    found = {signal.name: signal.value for signal in TrafficMonitor().evaluate(panes.evaluation("m", "1", NOW))}
    assert found["requests.count"] == 0
    assert found["error_rate"] is None
    assert found["latency.p95"] is None
    assert found["traffic.staleness"] is None
