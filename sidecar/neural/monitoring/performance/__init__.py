"""What the model is worth: labels joined to predictions, metrics with intervals, coverage."""

from neural.monitoring.performance.baseline import TRUTH, Baseline, baseline_of, has_truth
from neural.monitoring.performance.by_class import by_class
from neural.monitoring.performance.classification import ClassificationCounts
from neural.monitoring.performance.joiner import LabelJoiner
from neural.monitoring.performance.labels import Label, class_name
from neural.monitoring.performance.measured import Metric
from neural.monitoring.performance.metrics import classification_metrics, confusion_matrix
from neural.monitoring.performance.monitor import PerformanceMonitor
from neural.monitoring.performance.regression import RegressionCounts
from neural.monitoring.performance.scores import ScoreCounts
from neural.monitoring.performance.settings import PerformanceSettings

__all__ = [
    "TRUTH",
    "Baseline",
    "ClassificationCounts",
    "Label",
    "LabelJoiner",
    "Metric",
    "PerformanceMonitor",
    "PerformanceSettings",
    "RegressionCounts",
    "ScoreCounts",
    "baseline_of",
    "by_class",
    "class_name",
    "classification_metrics",
    "confusion_matrix",
    "has_truth",
]
