"""Basic monitoring: a reference, some predictions, a drift check, a quality check, a summary.

Run it with ``python -m neural.monitoring.examples.basic_monitoring``; ``--storage-path DIR`` keeps the results for the CLI and the dashboard.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence

import numpy as np

from neural.monitoring import ModelMonitor
from neural.monitoring.examples.loans import World, applicants


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage-path", help="where the results are kept; a temporary folder by default")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        run(options.storage_path or folder, np.random.default_rng(options.seed))


def run(storage_path: str, rng: np.random.Generator) -> None:
    monitor = ModelMonitor(model_name="loans", model_version="1.0", storage_path=storage_path)

    print("1. Reference: 2,000 applicants of the time the model was trained.")
    past = applicants(2_000, rng)
    monitor.set_reference_data(past.columns, predictions=past.decisions, performance={"accuracy": past.accuracy})

    print("2. Log 200 predictions, each with its outcome.")
    today = applicants(200, rng)
    for at in range(len(today)):
        monitor.log_prediction(
            prediction_id=f"loan-{at}",
            input_features=today.row(at),
            prediction=int(today.decisions[at]),
            prediction_proba={"0": 1 - float(today.probability[at]), "1": float(today.probability[at])},
            ground_truth=int(today.paid_back[at]),
            latency_ms=float(rng.gamma(4, 3)),
        )

    print("3. Check drift: today's applicants, then those of a richer town.")
    check(monitor, "today", today.columns, today.decisions, today.accuracy)
    richer = applicants(200, rng, World(income=4.5))
    check(monitor, "richer", richer.columns, richer.decisions, richer.accuracy)

    print("4. Check data quality: today's data, then a feed that has lost a third of the incomes.")
    for name, world in (("today", World()), ("lossy", World(missing=0.35))):
        report = monitor.check_data_quality(applicants(200, rng, world).columns)
        print(
            f"   {name:6}  score {report['quality_score']:.3f}  healthy {report['is_healthy']}  {'; '.join(report['warnings'])}"
        )

    summary = monitor.get_monitoring_summary()
    latency = summary["predictions"]["latency"]
    accuracy = summary["predictions"]["performance"]["accuracy"]
    print(
        f"5. Summary: {summary['total_predictions']} predictions, accuracy {accuracy:.1%}, p95 latency {latency['p95']:.1f} ms."
    )
    health = monitor.generate_health_report()
    print(f"   Health: {health['status']}. {' '.join(f'{issue}.' for issue in health['issues'])}")
    monitor.close()


def check(monitor: ModelMonitor, name: str, columns: dict[str, list[object]], decisions: object, accuracy: float) -> None:
    found = monitor.check_drift(columns, predictions=decisions, performance={"accuracy": accuracy})
    worst = next(iter(found["feature_drift"]))  # they come ranked
    print(f"   {name:6}  drifting {found['is_drifting']}  severity {found['drift_severity']}  most changed: {worst}")


if __name__ == "__main__":
    main()
