"""The generated Prometheus rules: as recorded, accepted by promtool, and saying the same as the sidecar in cases worked out by hand."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import ConfigError
from neural.monitoring.records import TrafficBatch
from neural.monitoring.slo import SLOMonitor, SLOSettings, prometheus_rules, prometheus_rules_yaml
from neural.monitoring.store import MemoryStore

HERE = Path(__file__).parent
BOUNDS = (0.05, 0.1, 0.25)
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")

UP = SLOSettings.model_validate({"name": "up", "type": "availability", "target": "99.9%", "window": "30d"})
FAST = SLOSettings.model_validate({"name": "fast", "type": "latency", "threshold": "100ms", "target": "99%", "window": "28d"})
RIGHT = SLOSettings.model_validate({"name": "right", "type": "accuracy", "target": "95%", "window": "24h"})


def promtool(*arguments):
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_as_recorded():
    text = prometheus_rules_yaml([UP, FAST, RIGHT], "flights", latency_bounds=BOUNDS)
    recorded = HERE / "prometheus_rules.yaml"
    assert text == recorded.read_text(), f"if the change is meant, write the new text to {recorded.name}"


@needs_promtool
def test_promtool_accepts_them(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text(prometheus_rules_yaml([UP, FAST, RIGHT], 'mo"del\\x', latency_bounds=BOUNDS))
    assert "SUCCESS" in promtool("check", "rules", str(file))


def test_a_threshold_between_the_histograms_bounds_is_refused():
    between = SLOSettings.model_validate({"name": "x", "type": "latency", "threshold": "120ms"})
    with pytest.raises(ConfigError, match=r"nearest are 0\.1 s and 0\.25 s"):
        prometheus_rules([between], "m", latency_bounds=BOUNDS)


def test_objectives_of_other_models_are_left_out():
    other = SLOSettings.model_validate({"name": "x", "type": "availability", "model": "other"})
    assert prometheus_rules([other], "m") == {"groups": []}


# minute → failed requests of 6,000, minutes that pass, and what must fire then (worked out from table 5-8 for 99.9 % over 30 d)
CASES = {
    "2 % for two hours burns at 20: above 14.4, pages and tickets": (lambda minute: 120, 120, {"page", "ticket"}),
    "1 % burns at 10: below 14.4, above 6, so the slow page": (lambda minute: 60, 400, {"page", "ticket"}),
    "0.5 % burns at 5: below 6, above 3, a ticket only": (lambda minute: 30, 400, {"ticket"}),
    "0.05 % burns at 0.5: nothing": (lambda minute: 3, 400, set()),
    "an outage of ten minutes pages while the half hour remembers it": (
        lambda minute: 6000 if 60 <= minute < 70 else 0,
        85,
        {"page", "ticket"},
    ),
    "and is a ticket for two hours after that": (lambda minute: 6000 if 60 <= minute < 70 else 0, 130, {"ticket"}),
}


@pytest.mark.parametrize(("failed", "minutes", "expected"), CASES.values(), ids=CASES.keys())
def test_the_sidecar_fires_as_worked_out(failed, minutes, expected):
    clock = ManualClock(1_700_000_040.0)
    monitor = SLOMonitor([UP], MemoryStore(), clock)
    for minute in range(minutes):
        bad = failed(minute)
        weights = np.array([w for w in (bad, 6000 - bad) if w], float)
        flags = np.array([bad > 0] * (bad > 0) + [False] * (bad < 6000), bool)
        n = len(weights)
        monitor.observe_traffic(
            TrafficBatch(
                "flights", "1", np.full(n, clock()), np.full(n, 0.01), np.where(flags, 500, 200).astype(np.int32), flags, weights
            )
        )
        if minute < minutes - 1:
            clock.advance(60)
    signals = monitor.evaluate(SimpleNamespace(model="flights", version="1", now=clock(), earlier=()))
    assert {signal.labels["severity"] for signal in signals if signal.name == "slo.burn_alert" and signal.value} == expected


@needs_promtool
def test_prometheus_fires_as_worked_out(tmp_path):
    (tmp_path / "rules.yaml").write_text(prometheus_rules_yaml([UP], "flights"))
    tests = []
    for failed, minutes, expected in CASES.values():
        errors, totals = [0], [0]
        for minute in range(minutes):
            errors.append(errors[-1] + failed(minute))
            totals.append(totals[-1] + 6000)
        alerts = []
        for severity, label in (("page", "critical"), ("ticket", "warning")):
            labels = {"slo": "up", "model": "flights", "severity": label, "slo_severity": severity}
            annotations = {
                "summary": "The error budget of up (flights) burns too fast",
                "description": "availability: 99.9000% over 30d is promised",
            }
            fired = [{"exp_labels": labels, "exp_annotations": annotations}] if severity in expected else []
            alerts.append({"eval_time": f"{minutes}m", "alertname": f"NeuralSLOBurn{severity.capitalize()}", "exp_alerts": fired})
        tests.append(
            {
                "interval": "1m",
                "input_series": [
                    {
                        "series": 'neural_errors_total{model="flights", version="1", error_type="server"}',
                        "values": " ".join(map(str, errors)),
                    },
                    {
                        "series": 'neural_requests_total{model="flights", version="1", status="200"}',
                        "values": " ".join(map(str, totals)),
                    },
                ],
                "alert_rule_test": alerts,
            }
        )
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", str(file))


@needs_promtool
def test_without_any_error_series_there_is_no_error_and_without_traffic_no_data(tmp_path):
    (tmp_path / "rules.yaml").write_text(prometheus_rules_yaml([UP], "flights"))
    good = {
        "interval": "1m",
        "input_series": [{"series": 'neural_requests_total{model="flights", version="1", status="200"}', "values": "0+600x30"}],
        "promql_expr_test": [
            {
                "expr": "slo:current_burn_rate:ratio",
                "eval_time": "20m",
                "exp_samples": [{"labels": 'slo:current_burn_rate:ratio{slo="up", model="flights", window="5m"}', "value": 0}],
            }
        ],
    }
    quiet = {
        "interval": "1m",
        "input_series": [],
        "promql_expr_test": [{"expr": "slo:current_burn_rate:ratio", "eval_time": "20m", "exp_samples": []}],
    }
    file = tmp_path / "test.yaml"
    file.write_text(json.dumps({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [good, quiet]}))
    promtool("test", "rules", str(file))
