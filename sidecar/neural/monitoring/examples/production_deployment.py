"""Production: a model service with metrics, objectives, alerts and a health report; then an hour that goes wrong.

Run it with ``python -m neural.monitoring.examples.production_deployment``. It monitors from inside the process. For a model server, put the
sidecar beside it instead: the end of the output says how.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from urllib.request import urlopen

import numpy as np

from neural.monitoring import (
    AlertChannel,
    AlertRule,
    AlertSeverity,
    ModelMonitor,
    create_accuracy_slo,
    create_availability_slo,
    create_latency_slo,
)
from neural.monitoring.examples.loans import Applicants, World, applicants

SIDECAR = """For a model server, no code changes at all:
   the server     from neural.capture import CaptureMiddleware; app = CaptureMiddleware(app, model="loans")
   the sidecar    neural monitor run --config loans.yaml
   loans.yaml     model: {name: loans}
                  reference: {source: reference.parquet}
                  slos: [{name: fast, type: latency, threshold: 100ms, target: 99%, window: 28d}]"""


class LoanService:
    """Serves a model and tells the monitor. What is not answered is an error, and counted as one."""

    def __init__(self, monitor: ModelMonitor, rng: np.random.Generator) -> None:
        self._monitor, self._rng = monitor, rng
        self._served = 0

    def serve(self, batch: Applicants, *, latency_ms: float = 20.0, failing: float = 0.0) -> None:
        for at in range(len(batch)):
            self._served += 1
            if self._rng.random() < failing:
                self._monitor.record_error("timeout")
                continue
            self._monitor.log_prediction(
                prediction_id=f"loan-{self._served}",
                input_features=batch.row(at),
                prediction=int(batch.decisions[at]),
                prediction_proba={"1": float(batch.probability[at])},
                ground_truth=int(batch.paid_back[at]),
                latency_ms=float(self._rng.gamma(4, latency_ms / 4)),
            )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage-path", help="where the results are kept; a temporary folder by default")
    parser.add_argument("--port", type=int, default=0, help="of /metrics; a free one by default")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="   log: %(message)s", stream=sys.stdout)
    with tempfile.TemporaryDirectory() as folder:
        run(options.storage_path or folder, options.port, np.random.default_rng(options.seed))


def run(storage_path: str, port: int, rng: np.random.Generator) -> None:
    monitor = deploy(storage_path, rng)
    port = monitor.start_prometheus_server(port=port)
    service = LoanService(monitor, rng)

    print("A good hour:")
    service.serve(applicants(300, rng))
    look(monitor, applicants(300, rng))

    print("A bad hour: slow, one request in ten fails, and the applicants are others:")
    bad = applicants(300, rng, World(income=4.5, missing=0.3))
    service.serve(bad, latency_ms=250.0, failing=0.1)
    look(monitor, bad)

    with urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        lines = page.read().decode().splitlines()
    wanted = ("neural_predictions_total{", "neural_errors_total{", "neural_data_quality_score{", "neural_drift_score{")
    print(f"What Prometheus sees at http://127.0.0.1:{port}/metrics:")
    for line in lines:
        if line.startswith(wanted):
            print(f"   {line}")
    monitor.close()
    print(SIDECAR)


def deploy(storage_path: str, rng: np.random.Generator) -> ModelMonitor:
    """The monitor as it would be set up once, at the start of the service."""
    monitor = ModelMonitor(model_name="loans", model_version="2.1", storage_path=storage_path)
    past = applicants(2_000, rng)
    monitor.set_reference_data(past.columns, predictions=past.decisions, performance={"accuracy": past.accuracy})
    tracker, alerts = monitor.slo_tracker, monitor.alert_manager
    if tracker is not None:
        tracker.add_slo(create_availability_slo(target=0.999, window_hours=24))
        tracker.add_slo(create_latency_slo(target_ms=100.0, window_hours=1))
        tracker.add_slo(create_accuracy_slo(target=0.8, window_hours=24))
    if alerts is not None:
        alerts.add_rule(
            AlertRule(
                name="High Error Rate",
                condition=lambda data: data.get("error_rate", 0) > 0.02,
                severity=AlertSeverity.CRITICAL,
                channels=[AlertChannel.LOG],
                cooldown_seconds=600,
                message_template="Error rate is {error_rate:.2%}",
            )
        )
    return monitor


def look(monitor: ModelMonitor, batch: Applicants) -> None:
    """What a job would do every few minutes."""
    drift = monitor.check_drift(batch.columns, predictions=batch.decisions, performance={"accuracy": batch.accuracy})
    quality = monitor.check_data_quality(batch.columns)
    monitor.update_performance_metrics({"accuracy": batch.accuracy})
    if monitor.alert_manager is not None:
        monitor.alert_manager.flush()
    health = monitor.generate_health_report()
    print(f"   drift {drift['drift_severity']}, quality {quality['quality_score']:.2f}, health {health['status']}")
    for issue in health["issues"]:
        print(f"   - {issue}")
    if monitor.slo_tracker is not None:
        for name, status in sorted(monitor.slo_tracker.get_all_slo_status().items()):
            if status["status"] != "no_data":
                left = max(status["error_budget_remaining"], 0.0)
                print(f"   SLO {name}: {'met' if status['is_meeting'] else 'missed'}, budget left {left:.0%}")


if __name__ == "__main__":
    main()
