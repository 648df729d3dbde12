"""The seed's feature bullets, in its order: one test each, named after it. Drift, quality, predictions; the others are in ``test_features_operations.py``."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from feature_data import CURRENT, RANDOM, REFERENCE, SHIFTED
from seed import feature_bullets, slug

from neural.monitoring import (
    DataQualityMonitor,
    DriftDetector,
    PredictionAnalyzer,
    PredictionLogger,
)


def test_every_bullet_of_the_seed_has_its_test_in_the_seeds_order() -> None:
    files = [Path(__file__).parent / name for name in ("test_features.py", "test_features_operations.py")]
    here = re.findall(r"^def test_(\w+)\(", "".join(file.read_text() for file in files), re.MULTILINE)
    wanted = [slug(bullet) for _, bullet in feature_bullets()]
    assert len(wanted) == 40
    assert [name for name in here if name in wanted] == wanted


# Model performance drift detection


@pytest.fixture
def detector() -> DriftDetector:
    detector = DriftDetector()
    detector.set_reference(REFERENCE, predictions=RANDOM.integers(0, 2, 2000), performance={"accuracy": 0.95, "f1": 0.94})
    return detector


def test_multiple_statistical_methods_ks_test_psi_wasserstein_distance(detector: DriftDetector) -> None:
    from neural.monitoring.drift import METHODS

    assert {"ks", "psi", "wasserstein"} <= set(METHODS)
    found = detector.detect_drift(SHIFTED)
    assert found.is_drifting
    assert all({"ks", "psi", "wasserstein"} <= set(one) for one in found.features.values())


def test_feature_level_drift_tracking(detector: DriftDetector) -> None:
    found = detector.detect_drift(SHIFTED).feature_drift
    assert len(found) == 4
    assert max(found, key=found.get) == list(found)[0]
    assert found[list(found)[0]] > 5 * found[list(found)[1]]


def test_prediction_distribution_drift(detector: DriftDetector) -> None:
    same = detector.detect_drift(CURRENT, predictions=RANDOM.integers(0, 2, 500)).prediction_drift
    moved = detector.detect_drift(CURRENT, predictions=np.ones(500, dtype=int)).prediction_drift
    assert moved > 0.3 > same


def test_performance_metrics_drift(detector: DriftDetector) -> None:
    found = detector.detect_drift(CURRENT, performance={"accuracy": 0.70, "f1": 0.69})
    assert found.performance_drift > 0.2
    assert detector.detect_drift(CURRENT, performance={"accuracy": 0.95, "f1": 0.94}).performance_drift == pytest.approx(
        0, abs=1e-9
    )


def test_concept_drift_detection_with_combined_scoring(detector: DriftDetector) -> None:
    calm = detector.detect_drift(CURRENT, predictions=RANDOM.integers(0, 2, 500), performance={"accuracy": 0.95, "f1": 0.94})
    storm = detector.detect_drift(SHIFTED, predictions=np.ones(500, dtype=int), performance={"accuracy": 0.6, "f1": 0.5})
    assert 0 <= calm.concept_drift_score < 0.1 < storm.concept_drift_score <= 1


# Data quality monitoring


@pytest.fixture
def quality() -> DataQualityMonitor:
    monitor = DataQualityMonitor(feature_names=["a", "b", "c", "d"])
    monitor.set_reference_statistics(REFERENCE)
    return monitor


def test_missing_value_detection(quality: DataQualityMonitor) -> None:
    data = CURRENT.copy()
    data[:100, 1] = np.nan
    report = quality.check_quality(data)
    assert report.missing_rate == pytest.approx(100 / 2000)
    assert report.missing_values["b"] == 100


def test_outlier_detection_using_z_score(quality: DataQualityMonitor) -> None:
    data = CURRENT.clip(-2, 2)
    data[:5, 2] = 50.0
    report = quality.check_quality(data)
    assert report.outliers["c"] == 5
    assert report.outlier_rate > 0


def test_invalid_value_checks_type_constraints() -> None:
    names = ["p", "q", "r"]
    monitor = DataQualityMonitor(feature_names=names, feature_types={"p": "positive", "q": "probability", "r": "binary"})
    good = np.column_stack([np.ones(100), np.full(100, 0.5), np.tile([0, 1], 50)])
    assert monitor.check_quality(good).invalid_rate == 0
    bad = good.copy()
    bad[:10] = [-1, 1.5, 2]
    report = monitor.check_quality(bad)
    assert report.invalid_values == {"p": 10, "q": 10, "r": 10}


def test_schema_validation(quality: DataQualityMonitor) -> None:
    report = quality.check_quality({"a": CURRENT[:, 0], "b": CURRENT[:, 1], "c": CURRENT[:, 2], "z": CURRENT[:, 3]})
    text = str(report.schema_violations)
    assert "d" in text
    assert "z" in text


def test_statistical_drift_from_reference_data(quality: DataQualityMonitor) -> None:
    assert not any("mean" in warning for warning in quality.check_quality(CURRENT).warnings)
    assert any("a" in warning and "mean" in warning for warning in quality.check_quality(CURRENT + [5, 0, 0, 0]).warnings)


def test_quality_scoring_and_health_checks(quality: DataQualityMonitor) -> None:
    good = quality.check_quality(CURRENT)
    assert good.is_healthy
    assert good.quality_score > 0.9
    broken = CURRENT.copy()
    broken[:, :3] = np.nan
    bad = quality.check_quality(broken)
    assert not bad.is_healthy
    assert bad.quality_score < good.quality_score
    assert bad.warnings


# Prediction logging & analysis


def _log(folder: Path, n: int, **options) -> PredictionLogger:
    logger = PredictionLogger(storage_path=folder, **options)
    for i in range(n):
        truth = i % 2
        logger.log_prediction(
            f"p{i}",
            {"x": float(i)},
            truth if i % 10 else 1 - truth,
            {"0": 0.3, "1": 0.7},
            ground_truth=truth,
            latency_ms=10.0 + i % 5,
        )
    logger.flush()
    return logger


def test_efficient_batch_logging(tmp_path: Path) -> None:
    from neural.monitoring.predictions import read_predictions

    logger = _log(tmp_path, 250, batch_size=100)
    logger.close()
    table = read_predictions(tmp_path / "predictions")
    assert table.num_rows == 250
    files = [path for path in (tmp_path / "predictions").rglob("*") if path.is_file()]
    assert len(files) < 10  # not a file a prediction


def test_sampling_support(tmp_path: Path) -> None:
    from neural.monitoring.predictions import read_predictions

    logger = _log(tmp_path, 1000, sampling_rate=0.2)
    logger.close()
    assert 120 < read_predictions(tmp_path / "predictions").num_rows < 280


def test_latency_tracking(tmp_path: Path) -> None:
    latency = PredictionAnalyzer(_log(tmp_path, 100)).analyze_predictions()["latency"]
    assert latency["p50"] == pytest.approx(12.0)
    assert latency["p50"] <= latency["p95"] <= latency["p99"] == pytest.approx(14.0)


def test_confidence_analysis(tmp_path: Path) -> None:
    found = PredictionAnalyzer(_log(tmp_path, 100)).analyze_predictions()["confidence"]
    assert found["mean"] == pytest.approx(0.7)


def test_performance_metrics_calculation(tmp_path: Path) -> None:
    found = PredictionAnalyzer(_log(tmp_path, 100)).analyze_predictions()["performance"]
    assert found["accuracy"] == pytest.approx(0.9)


def test_anomaly_detection_in_predictions(tmp_path: Path) -> None:
    logger = _log(tmp_path, 200)
    calm = PredictionAnalyzer(logger).analyze_predictions()["anomalies"]
    logger.log_prediction("slow", {"x": 1.0}, 1, latency_ms=5000.0)
    logger.flush()
    assert len(PredictionAnalyzer(logger).analyze_predictions()["anomalies"]) > len(calm)
