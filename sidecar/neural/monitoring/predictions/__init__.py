"""The prediction log, and what can be read from it."""

from neural.monitoring.predictions.analyzer import PredictionAnalyzer
from neural.monitoring.predictions.log import PredictionLog
from neural.monitoring.predictions.logger import PredictionLogger
from neural.monitoring.predictions.read import read_predictions
from neural.monitoring.predictions.record import PredictionRecord
from neural.monitoring.predictions.segment import LabelsOf
from neural.monitoring.predictions.settings import PredictionLogSettings

__all__ = [
    "LabelsOf",
    "PredictionAnalyzer",
    "PredictionLog",
    "PredictionLogSettings",
    "PredictionLogger",
    "PredictionRecord",
    "read_predictions",
]
