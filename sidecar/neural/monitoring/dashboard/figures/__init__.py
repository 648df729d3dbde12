"""Figures as plain dicts, one kind a file."""

from neural.monitoring.dashboard.figures.alert_timeline import alert_timeline
from neural.monitoring.dashboard.figures.calibration import calibration
from neural.monitoring.dashboard.figures.distribution import distribution
from neural.monitoring.dashboard.figures.graph import graph
from neural.monitoring.dashboard.figures.heatmap import heatmap
from neural.monitoring.dashboard.figures.lines import Line, lines

__all__ = ["Line", "alert_timeline", "calibration", "distribution", "graph", "heatmap", "lines"]
