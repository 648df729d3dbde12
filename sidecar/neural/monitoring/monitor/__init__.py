"""``ModelMonitor``: the seed's Python API, and labels for a sidecar."""

from neural.monitoring.monitor.model_monitor import ModelMonitor
from neural.monitoring.monitor.send_labels import send_labels

__all__ = ["ModelMonitor", "send_labels"]
