"""Three sidecars with different traffic, one Prometheus: what its rules say of the fleet is what the pooled rows say."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neural.monitoring.drift.sample import coarse_groups
from neural.monitoring.slo.budget import budget_remaining, burn_rate
from neural.monitoring.slo.counts import Counts
from neural.monitoring.windows import build_reference, columns_from

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from real_prometheus import CONFIG, PROMETHEUS, Prometheus, free_port
from sidecars import SidecarProcess, batch, event

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore and refused connections
]
PODS, ROWS_PER_EVENT, EVENTS, BEFORE = 3, 25, 50, 10  # BEFORE: events sent before the window begins
KINDS = np.array(["a", "b", "c", "d"])
SHARES = ((0.4, 0.3, 0.2, 0.1), (0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4))
TARGET = 0.99
WINDOW_SECONDS = 20  # the hour of the rules, for a test's patience


@dataclass
class Fleet:
    prometheus: Prometheus
    sidecars: list[SidecarProcess]
    reference: dict[str, np.ndarray]
    rows: list[dict[str, np.ndarray]]
    ports: list[int]
    moment: float  # when the window held all traffic but the events before


def _traffic(pod: int, n: int) -> dict[str, np.ndarray]:
    """The last pod is shifted by one standard deviation, and has other kinds of things."""
    rng = np.random.default_rng(pod + 1)
    shift = 1.0 if pod == PODS - 1 else 0.0
    return {"x": rng.normal(shift, 1.0, n), "kind": rng.choice(KINDS, n, p=SHARES[pod])}


def _rules(folder: Path) -> list[Path]:
    """The rules as they are, with a shorter hour; and once more over the counters' totals."""
    text = (CONFIG / "prometheus" / "fleet.yaml").read_text()
    short, total = folder / "short.yaml", folder / "total.yaml"
    short.write_text(text.replace("[1h]", f"[{WINDOW_SECONDS}s]"))
    over_all = text.replace("increase(neural_feature_bin_total[1h])", "neural_feature_bin_total")
    over_all = re.sub(r"(?:rate|increase)\((neural_slo_\w+)\[\w+\]\)", r"\1", over_all)
    for name in ("fleet1h", "pod1h", "pods1h", "rest1h"):
        over_all = re.sub(rf"(neural:feature_\w+:){name}\b", rf"\1{name.removesuffix('1h')}_total", over_all)
    over_all = re.sub(r"(neural:slo_\w+:)fleet(_ratio)?(\d+\w)\b", r"\1total\2\3", over_all)
    over_all = over_all.replace("name: neural-fleet", "name: total-fleet").replace(":fleet\n", ":fleet_again\n")
    total.write_text(over_all)
    return [short, total]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    rng = np.random.default_rng(0)
    reference = {"x": rng.normal(0, 1, 5_000), "kind": rng.choice(KINDS, 5_000, p=SHARES[0])}
    pq.write_table(pa.table(reference), folder / "reference.parquet")
    ports, sidecars = [free_port() for _ in range(PODS)], []
    for pod, port in enumerate(ports):
        (folder / f"pod{pod}").mkdir()
        settings = {
            "reference": {"source": str(folder / "reference.parquet")},
            "slos": [{"name": "available", "type": "availability", "target": TARGET, "window": "28d"}],
            "export": {"prometheus": {"enabled": True, "port": port}},
        }
        sidecars.append(SidecarProcess(folder / f"pod{pod}", settings))
    running = Prometheus(folder, *ports, rules=_rules(folder), scrape_every="250ms")
    try:
        for one in sidecars:
            one.start()
        rows = [_traffic(pod, ROWS_PER_EVENT * EVENTS) for pod in range(PODS)]
        _send(sidecars, rows, range(BEFORE))  # pods that have been at work for longer than a window, in all bins
        running.wait_for(f"min(count_over_time(neural_feature_bin_total[1m])) > {4 * WINDOW_SECONDS}")
        _send(sidecars, rows, range(BEFORE, EVENTS))
        total = PODS * ROWS_PER_EVENT * EVENTS
        running.wait_for(f'neural:feature_rows:fleet_total{{feature="x"}} == {total}')
        time.sleep(2)  # two more scrapes: increase looks at the last
        yield Fleet(running, sidecars, reference, rows, ports, time.time())
    finally:
        running.stop()
        for one in sidecars:
            one.close()


def _send(sidecars: list[SidecarProcess], rows: list[dict[str, np.ndarray]], numbers: range) -> None:
    """Some events of each pod's rows, a request each; one in ten fails on the last pod."""
    for number in numbers:
        part = slice(number * ROWS_PER_EVENT, (number + 1) * ROWS_PER_EVENT)
        for pod, sidecar in enumerate(sidecars):
            columns = zip(rows[pod]["x"][part], rows[pod]["kind"][part], strict=True)
            instances = [{"x": float(x), "kind": str(kind)} for x, kind in columns]
            sent = [event(f"{pod}-{number}", instances, [0.5] * len(instances))]
            if pod == PODS - 1 and number % 10 == 0:
                sent.append(event(f"{pod}-{number}-failed", [], [])._replace(status=500))
            sidecar.send([batch("server", number + 1, sent, seen=number + 1)])


def _counts(fleet: Fleet, feature: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The reference's and the values' counts by bin, from the rows themselves."""
    column = build_reference(columns_from(fleet.reference), source="test", created_at=0.0).columns[feature]
    if feature == "kind":
        return tuple(np.array([np.count_nonzero(one == kind) for kind in column.labels] + [0, 0]) for one in (fleet.reference["kind"], values))  # fmt: skip
    group = coarse_groups(column.counts.astype(float), np.zeros(1, dtype=np.intp))[0]
    return tuple(np.bincount(group[np.searchsorted(column.edges, one, side="left")], minlength=group.max() + 1)
                 for one in (fleet.reference["x"], values))  # fmt: skip


def _psi(reference: np.ndarray, values: np.ndarray) -> float:
    q = (reference + 0.5) / (reference.sum() + 0.5 * len(reference))
    p = (values + 0.5) / (values.sum() + 0.5 * len(values))
    return float(sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True)))


def _pooled(fleet: Fleet, feature: str, first: int = 0) -> float:
    return _psi(*_counts(fleet, feature, np.concatenate([rows[feature][first:] for rows in fleet.rows])))


def _one(fleet: Fleet, expr: str) -> float:
    (found,) = fleet.prometheus.query(expr, fleet.moment)
    return float(found["value"][1])


@pytest.mark.parametrize("feature", ["x", "kind"])
def test_the_fleets_psi_is_that_of_the_pooled_rows(fleet: Fleet, feature: str) -> None:
    pooled = _pooled(fleet, feature)
    assert pooled > 0.05  # there is something to measure
    assert _one(fleet, f'neural:feature_psi:fleet_total{{feature="{feature}"}}') == pytest.approx(pooled, abs=1e-6)
    windowed = _pooled(fleet, feature, first=BEFORE * ROWS_PER_EVENT)  # what came within the window
    assert _one(fleet, f'neural:feature_psi:fleet1h{{feature="{feature}"}}') == pytest.approx(windowed, rel=0.01)


@pytest.mark.parametrize("feature", ["x", "kind"])
def test_the_pod_that_differs_stands_out_and_no_other(fleet: Fleet, feature: str) -> None:
    found = {
        int(one["metric"]["instance"].rsplit(":")[-1]): float(one["value"][1])
        for one in fleet.prometheus.query(f'neural:feature_psi:pod_total{{feature="{feature}"}}')
    }
    for pod, port in enumerate(fleet.ports):
        own = _counts(fleet, feature, fleet.rows[pod][feature])[1]
        rest = _counts(fleet, feature, np.concatenate([rows[feature] for at, rows in enumerate(fleet.rows) if at != pod]))[1]
        assert found[port] == pytest.approx(_psi(rest, own), abs=1e-6)
    assert max(found, key=lambda port: found[port]) == fleet.ports[-1]
    outliers = fleet.prometheus.query('ALERTS{alertname="NeuralOutlierPod"}')
    assert {one["metric"]["instance"] for one in outliers} >= {f"127.0.0.1:{fleet.ports[-1]}"}


def _judged(first: int = 0) -> Counts:
    """The requests to all pods from the event ``first`` on, as they were sent."""
    bad = len([number for number in range(first, EVENTS) if number % 10 == 0])
    total = PODS * (EVENTS - first) + bad
    return Counts(good=total - bad, total=total)


def test_the_error_budget_is_that_of_the_pooled_events(fleet: Fleet) -> None:
    """What one sidecar would say that had seen every request to every pod."""
    pooled = _judged()
    burn, remaining = burn_rate(pooled, TARGET), budget_remaining(pooled, TARGET)
    assert burn is not None
    assert burn > 1
    assert _one(fleet, "sum(neural_slo_events_total)") == pooled.total
    assert _one(fleet, "neural:slo_bad:total_ratio28d") == pytest.approx(pooled.error_rate, abs=1e-6)
    assert _one(fleet, "neural:slo_budget_remaining:total28d") == pytest.approx(remaining, abs=1e-6)
    for window in ("5m", "30m", "1h", "6h"):
        assert _one(fleet, f"neural:slo_burn_rate:total{window}") == pytest.approx(burn, abs=1e-6)
    alone = fleet.prometheus.query("neural_slo_budget_remaining_ratio", fleet.moment)
    assert len(alone) == PODS
    assert all(abs(float(one["value"][1]) - remaining) > 0.5 for one in alone)  # no pod says it by itself


def test_the_burn_over_a_window_is_that_of_the_pooled_events_within_it(fleet: Fleet) -> None:
    pooled = _judged(first=BEFORE)
    assert _one(fleet, "neural:slo_bad:fleet_ratio1h") == pytest.approx(pooled.error_rate, rel=0.01)
    assert _one(fleet, "neural:slo_burn_rate:fleet1h") == pytest.approx(burn_rate(pooled, TARGET), rel=0.01)
    assert _one(fleet, "neural:slo_target:fleet") == TARGET


def test_the_series_stay_within_what_is_stated(fleet: Fleet) -> None:
    columns = len(fleet.prometheus.query("count by (feature) (neural_feature_bin_total)"))
    assert columns == 2  # the prediction is not in the reference's file
    for port in fleet.ports:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        lines = [line for line in text.splitlines() if line.startswith("neural_feature_bin_")]
        assert 0 < len(lines) <= columns * 24
        assert "neural_fleet_columns_left_out 0.0" in text


def test_a_restarted_sidecar_goes_on_counting_where_it_was(fleet: Fleet) -> None:
    sidecar, port = fleet.sidecars[0], fleet.ports[0]
    before = _page_counts(port)
    sidecar.kill()
    sidecar.start()
    deadline = time.monotonic() + 30
    while _page_counts(port) != before and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _page_counts(port) == before


def _page_counts(port: int) -> list[str]:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    return [line for line in text.splitlines() if line.startswith("neural_feature_bin_total")]
