"""A real Prometheus scrapes a sidecar's page; every panel, recording rule and alert expression is asked of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from neural.monitoring.export import MetricsServer, SidecarMetrics
from neural.monitoring.export.grafana import DASHBOARDS
from neural.monitoring.signal import Outcome

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "export"))
from export_fakes import board, judge, totals, traffic
from real_prometheus import CONFIG, PROMETHEUS, PROMTOOL, Prometheus, free_port

pytestmark = pytest.mark.skipif(PROMTOOL is None or PROMETHEUS is None, reason="prometheus is not installed")
VARIABLES = {"$model": ".*", "$version": ".*", "$feature": ".*", "$slo": ".*", "$__rate_interval": "1m"}
SCRAPE_SECONDS = int(os.environ.get("NEURAL_SCRAPE_SECONDS", "10"))
"""How long the demo is scraped, every second. `make scrapes` takes five minutes."""
EMPTY_WHEN_WELL = {"Open alerts"}


def filled_in(expr: str) -> str:
    """The query with Grafana's variables as they are when a dashboard opens."""
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROMTOOL), *arguments], cwd=CONFIG / "prometheus", capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yaml"),
        ("check", "rules", "rules.yaml", "alerts.yaml", "fleet.yaml"),
        ("test", "rules", "rules_test.yaml"),
    ],
    ids=" ".join,
)
def test_promtool_is_content(arguments):
    done = tool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    page = SidecarMetrics(board(5), totals(), stats={"ingest": lambda: {"batches": 1.0}}).scrape
    server = MetricsServer(page, host="127.0.0.1", port=0).start()
    running = Prometheus(tmp_path_factory.mktemp("prometheus"), server.port)
    running.wait_for("count_over_time(neural_active_models[1m]) > 2")
    running.wait_for("neural:capture_loss:ratio_rate5m or neural:latency_seconds:p99_5m")
    yield running
    running.stop()
    server.stop()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A Prometheus that scrapes the demo's sidecar for SCRAPE_SECONDS: a real model, real flights."""
    folder, port = tmp_path_factory.mktemp("demo"), free_port()
    command = [
        sys.executable, "-c", "import sys; from neural.monitoring.cli import monitor_main as main; sys.exit(main())",
        "demo", "--seconds", str(max(SCRAPE_SECONDS, 20)), *([] if SCRAPE_SECONDS > 60 else ["--no-incidents"]), "--keep", "--port", str(port), "--folder", str(folder / "story"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    running = Prometheus(folder, port)
    try:
        running.wait_for("neural_model_accuracy and neural_model_f1", 120, process)
        running.wait_for("neural_feature_drift", 60, process)
        running.wait_for("count_over_time(neural_slo_burn_rate[1m]) > 3", 60, process)
        # Counted from the first whole page: the sidecar answers before its first evaluation, with what it has by then.
        running.wait_for(f"count_over_time(neural_model_accuracy[1h]) >= {SCRAPE_SECONDS}", SCRAPE_SECONDS + 120, process)
        yield running
    finally:
        running.stop()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


QUERIES = [
    pytest.param(query.expr, id=f"{one.uid}: {panel.title} {index}")
    for one in DASHBOARDS
    for panel in one.panels
    for index, query in enumerate(panel.queries)
]


@pytest.mark.slow
@pytest.mark.parametrize("expr", QUERIES)
def test_every_panels_query_returns_data(prometheus, expr):
    assert prometheus.query(filled_in(expr))


@pytest.mark.slow
@pytest.mark.timeout(SCRAPE_SECONDS + 600)
def test_no_scrape_of_the_demo_failed(demo):
    """Every scrape since the first answer came through; before that, nobody listened yet."""
    (up,) = demo.query("count_over_time((up == 1)[1h:1s])")
    assert float(up["value"][1]) >= SCRAPE_SECONDS
    assert demo.query("up == 1")
    samples = demo.query("min_over_time(scrape_samples_scraped[10s]) > 100")
    assert samples, "the newest scrapes brought few samples"
    with urllib.request.urlopen(f"http://127.0.0.1:{demo.port}/api/v1/targets", timeout=10) as answer:
        assert [one["lastError"] for one in json.load(answer)["data"]["activeTargets"]] == [""]
    began = demo.query("min_over_time(timestamp(up == 1)[1h:1s])")[0]["value"][1]
    late = demo.query(f"count_over_time((up == 0 and timestamp(up) > {began})[1h:1s])")
    assert late == []


@pytest.mark.slow
@pytest.mark.timeout(SCRAPE_SECONDS + 600)
def test_every_panel_and_recording_rule_has_data_from_the_demo(demo):
    empty = []
    for one in DASHBOARDS:
        for panel in one.panels:
            for query in panel.queries:
                expr = filled_in(query.expr)
                if not demo.query(expr) and panel.title not in EMPTY_WHEN_WELL:
                    empty.append(f"{one.uid}: {panel.title}: {expr}")
    groups = yaml.safe_load((CONFIG / "prometheus" / "rules.yaml").read_text())["groups"]
    empty += [rule["record"] for group in groups for rule in group["rules"] if not demo.query(rule["record"])]
    assert empty == []


@pytest.mark.slow
def test_native_histograms_and_traces_of_drift_are_kept_by_a_prometheus_that_asks_for_them(tmp_path):
    filled = totals()
    judge(filled, Outcome.BAD, 0.4)
    server = MetricsServer(SidecarMetrics(board(3), filled).scrape, host="127.0.0.1", port=0).start()
    running = Prometheus(tmp_path, server.port, features="native-histograms,exemplar-storage")
    try:
        running.wait_for("count_over_time(neural_active_models[1m]) > 1")
        filled.observe_traffic_at_once(traffic([0.03] * 40, weights=[1.5] * 40))  # sampled: counts are fractions
        running.wait_for("histogram_count(neural_prediction_latency_seconds) == 63")
        half = running.query("histogram_quantile(0.5, neural_prediction_latency_seconds)")[0]["value"][1]
        assert abs(float(half) / 0.03 - 1) < 0.09
        assert running.query("neural_prediction_latency_seconds_bucket") == []
        running.wait_for("neural:latency_seconds:p99_5m")
        for one in DASHBOARDS:
            for panel in one.panels:
                for query in panel.queries:
                    if "latency_seconds" in query.expr:
                        assert running.query(filled_in(query.expr)), panel.title
        traces = running.exemplars("neural_drift_evaluations_total")
        assert [(one["labels"]["trace_id"], float(one["value"])) for one in traces] == [("b" * 32, 0.4)]
    finally:
        running.stop()
        server.stop()


@pytest.mark.slow
def test_no_scrape_failed(prometheus):
    assert [one["value"][1] for one in prometheus.query('up{job="neural-sidecar"}')] == ["1"]
    assert prometheus.query("min_over_time(up[5m]) == 1")
    assert not prometheus.query("scrape_samples_scraped - scrape_samples_post_metric_relabeling > 0")


@pytest.mark.slow
def test_every_recording_rule_can_be_evaluated(prometheus):
    url = f"http://127.0.0.1:{prometheus.port}/api/v1/rules"
    with urllib.request.urlopen(url, timeout=10) as answer:
        groups = json.load(answer)["data"]["groups"]
    assert [rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")] == []
    for name in (
        "neural:drift_score:max",
        "neural:feature_drift:max",
        "neural:quality_score:min",
        "neural:slo_budget_remaining:min",
    ):
        assert prometheus.query(name), name
