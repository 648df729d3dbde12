"""Drift detection: seven worlds, one reference, and what the detector says of each.

Run it with ``python -m neural.monitoring.examples.drift_detection_demo``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from neural.monitoring import DriftDetector
from neural.monitoring.examples.loans import World, applicants

WORLDS = {
    "nothing changed": World(),
    "nothing changed (2)": World(),
    "incomes +0.3 σ": World(income=3.3),
    "incomes +1 σ": World(income=4.0),
    "incomes spread ×2": World(spread=2.0),
    "one region only": World(regions=("north",)),
    "debt stops mattering": World(debt_matters=0.0),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000, help="rows of each check")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    run(options.rows, np.random.default_rng(options.seed))


def run(rows: int, rng: np.random.Generator) -> None:
    detector = DriftDetector(window_size=rows, drift_threshold=0.1, alert_threshold=0.2)
    past = applicants(5_000, rng)
    detector.set_reference(past.columns, past.decisions, {"accuracy": past.accuracy})
    print(f"{'world':22} {'drift':6} {'severity':9} {'features':>9} {'predictions':>12} {'performance':>12} {'concept':>8}")
    for name, world in WORLDS.items():
        now = applicants(rows, rng, world)
        found = detector.detect_drift(now.columns, now.decisions, {"accuracy": now.accuracy})
        scores = (found.data_distribution_drift, found.prediction_drift, found.performance_drift, found.concept_drift_score)
        numbers = [f"{score or 0.0:.3f}" for score in scores]
        drifting = "yes" if found.is_drifting else "no"
        print(
            f"{name:22} {drifting:6} {found.drift_severity:9} {numbers[0]:>9} {numbers[1]:>12} {numbers[2]:>12} {numbers[3]:>8}"
        )
    report = detector.get_drift_report(window=len(WORLDS))
    print(f"{report['drift_detected']} of {report['total_samples']} checks drifted.")
    print("When debt stops mattering the inputs are as ever: only the outcomes tell. No method that sees inputs alone can know.")


if __name__ == "__main__":
    main()
