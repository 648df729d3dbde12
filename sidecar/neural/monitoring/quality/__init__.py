"""Is the data good: missing, invalid, unseen and outlying values, schema, score, and an alarm that rests on a test."""

from neural.monitoring.quality.data_quality import DataQualityMonitor
from neural.monitoring.quality.findings import RateFinding, Trouble
from neural.monitoring.quality.monitor import QualityMonitor
from neural.monitoring.quality.report import QualityReport
from neural.monitoring.quality.settings import QualitySettings, QualityWeights

__all__ = [
    "DataQualityMonitor",
    "QualityMonitor",
    "QualityReport",
    "QualitySettings",
    "QualityWeights",
    "RateFinding",
    "Trouble",
]
