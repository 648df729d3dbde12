"""Debian's Prometheus runs the rules we generate, on the metrics of a real sidecar, and fires when the sidecar does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from calendar import timegm
from pathlib import Path
from typing import Any

import httpx
import pytest

from neural.monitoring.export import MetricsServer, SidecarMetrics
from neural.monitoring.export.totals import LATENCY_BOUNDS
from neural.monitoring.slo import SLOSettings, prometheus_rules_yaml
from neural.monitoring.store import open_store
from neural.wire import CaptureBatch, CaptureEvent, Ledger, encode_batch

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "export"))
from export_fakes import board, totals, traffic
from real_prometheus import PROMETHEUS, PROMTOOL, Prometheus, free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        PROMTOOL is None or PROMETHEUS is None, reason="prometheus is not installed (Debian package of that name)"
    ),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore's sockets of refused connections
]
NEURAL = str(Path(sys.executable).parent / "neural")
EVERY_SECONDS = 1.0
"""Of the sidecar's evaluations, of the scrapes and of Prometheus's evaluations: each may be that late."""

CONFIG = """
model: {{name: m}}
capture: {{listen: "unix://{folder}/c.sock"}}
store: {{path: "{folder}/state"}}
windows: {{pane: 1s, length: 5m, evaluate_every: 1s}}
slos: # with two days the burn windows of the page are 20 s and 4 min, 2 min and 24 min
  - {{name: up, type: availability, target: 99%, window: 2d}}
dashboard: {{enabled: false}}
export: {{prometheus: {{port: {port}}}}}
"""


class Traffic:
    """Ten requests at a time, from one source."""

    def __init__(self, socket: str) -> None:
        self.client = httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://s", timeout=5)
        self.sequence = 0

    def send(self, *, failing: bool) -> None:
        self.sequence += 1
        now = time.time_ns()
        events = [
            CaptureEvent(
                f"p{self.sequence}-{i}", now, 5_000_000, status=500 if failing and i % 2 else 200, path="/v1/models/m:predict"
            )
            for i in range(10)
        ]
        batch = CaptureBatch("pod:1", self.sequence, events, ledger=Ledger(seen=10 * self.sequence, shipped=10 * self.sequence))
        self.client.post(
            "/v1/capture", content=encode_batch(batch), headers={"content-type": "application/x-protobuf"}
        ).raise_for_status()

    def send_until(self, done, seconds: float, *, failing: bool) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, "it did not happen"
            self.send(failing=failing)
            time.sleep(0.2)  # a steady rate of requests is the point


def alerts_of(prometheus: Prometheus) -> dict[str, float]:
    """Severity of each firing burn alert → since when, Unix seconds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{prometheus.port}/api/v1/alerts", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["alerts"]
    return {
        one["labels"]["slo_severity"]: float(timegm(time.strptime(one["activeAt"][:19], "%Y-%m-%dT%H:%M:%S")))
        for one in found
        if one["labels"]["alertname"].startswith("NeuralSLOBurn") and one["state"] == "firing"
    }


def fired_in(state: Path) -> dict[str, float]:
    """The same of the sidecar: when it first said that the burn alert holds."""
    store = open_store(state, read_only=True)
    try:
        signals = store.read_signals(["slo.burn_alert"])
    finally:
        store.close()
    found: dict[str, float] = {}
    for signal in signals:
        if signal.value:
            found.setdefault(signal.labels["severity"], signal.time)
    return found


def test_it_fires_when_the_sidecar_does_and_not_before(tmp_path):
    port = free_port()
    (tmp_path / "config.yaml").write_text(CONFIG.format(folder=tmp_path, port=port))
    rules = subprocess.run(
        [NEURAL, "monitor", "rules", "prometheus", "--config", str(tmp_path / "config.yaml")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (tmp_path / "rules.yaml").write_text(rules)
    checked = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    sidecar = subprocess.Popen([NEURAL, "monitor", "run", "--config", str(tmp_path / "config.yaml")], stderr=subprocess.DEVNULL)
    prometheus = Prometheus(tmp_path, port, rules=[tmp_path / "rules.yaml"])
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "c.sock").is_socket():
            assert sidecar.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        traffic, begin = Traffic(str(tmp_path / "c.sock")), time.monotonic()
        recorded = 'slo:sli_error:ratio_rate20s{slo="up"} == 0'
        traffic.send_until(lambda: time.monotonic() > begin + 8 and prometheus.query(recorded), 60, failing=False)
        assert fired_in(tmp_path / "state") == {}
        assert alerts_of(prometheus) == {}
        both = {"page", "ticket"}
        traffic.send_until(lambda: set(alerts_of(prometheus)) == both <= set(fired_in(tmp_path / "state")), 60, failing=True)
        ours, theirs = fired_in(tmp_path / "state"), alerts_of(prometheus)
        for severity in both:
            assert abs(ours[severity] - theirs[severity]) <= 3 * EVERY_SECONDS + 1, (
                severity,
                ours,
                theirs,
            )  # 1: their time is in seconds
        traffic.client.close()
    finally:
        sidecar.terminate()
        sidecar.wait(timeout=30)
        prometheus.stop()


WITHIN = 0.04
"""Prometheus extrapolates each counter to the edges of the window by itself, and interpolates within a native bucket."""


def test_a_latency_objective_is_judged_by_whichever_histogram_prometheus_keeps(tmp_path):
    """One request in five is too slow of a hundred that may be: the budget burns at twenty."""
    objective = SLOSettings.model_validate(
        {"name": "fast", "type": "latency", "threshold": "100ms", "target": "99%", "window": "30d"}
    )
    filled, slow = totals(), traffic([0.03] * 40 + [0.5] * 10)
    server = MetricsServer(SidecarMetrics(board(1), filled).scrape, host="127.0.0.1", port=0).start()
    rules = tmp_path / "rules.yaml"
    rules.write_text(prometheus_rules_yaml([objective], slow.model, latency_bounds=LATENCY_BOUNDS))
    running: list[Prometheus] = []
    try:
        for features in ("", "native-histograms"):
            (folder := tmp_path / f"prometheus-{features}").mkdir()
            running.append(Prometheus(folder, server.port, rules=[rules], features=features))
        for one in running:
            one.wait_for("count_over_time(neural_active_models[1m]) > 1")
        filled.observe_traffic_at_once(slow)
        for one in running:
            one.wait_for("slo:current_burn_rate:ratio > 1")
            [burning] = one.query("slo:current_burn_rate:ratio")
            assert float(burning["value"][1]) == pytest.approx(20, rel=WITHIN)
        classic, native = (one.query("neural_prediction_latency_seconds_bucket") for one in running)
        assert classic
        assert native == []
    finally:
        for one in running:
            one.stop()
        server.stop()
