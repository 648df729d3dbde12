"""Additive panes of columns and traffic, references, and what a monitor sees at an evaluation."""

from __future__ import annotations

from neural.monitoring.windows.build import build_reference
from neural.monitoring.windows.columns import column_of, columns_from
from neural.monitoring.windows.evaluation import (
    Evaluation,
    Monitor,
    ObservesLabels,
    ObservesRows,
    ObservesRowsAtOnce,
    ObservesTraffic,
    ObservesTrafficAtOnce,
    Stateful,
)
from neural.monitoring.windows.infer import InferredFeature, infer_features
from neural.monitoring.windows.learner import watched_columns
from neural.monitoring.windows.load import load_reference_file
from neural.monitoring.windows.pane import ColumnPane
from neural.monitoring.windows.pane_store import PaneStore
from neural.monitoring.windows.reference import OTHER, UNSEEN, ColumnReference, Reference
from neural.monitoring.windows.sagemaker import sagemaker_columns, sagemaker_features
from neural.monitoring.windows.settings import LearnFor, ReferenceSettings, WindowSettings
from neural.monitoring.windows.traffic import LATENCY_EDGES, TrafficPane, traffic_pane, weight_by_status
from neural.monitoring.windows.window import Window

__all__ = [
    "LATENCY_EDGES",
    "OTHER",
    "UNSEEN",
    "ColumnPane",
    "ColumnReference",
    "Evaluation",
    "InferredFeature",
    "LearnFor",
    "Monitor",
    "ObservesLabels",
    "ObservesRows",
    "ObservesRowsAtOnce",
    "ObservesTraffic",
    "ObservesTrafficAtOnce",
    "PaneStore",
    "Reference",
    "ReferenceSettings",
    "Stateful",
    "TrafficPane",
    "Window",
    "WindowSettings",
    "build_reference",
    "column_of",
    "columns_from",
    "infer_features",
    "load_reference_file",
    "sagemaker_columns",
    "sagemaker_features",
    "traffic_pane",
    "watched_columns",
    "weight_by_status",
]
