"""ModelMonitor: the seed's Python façade over the rooms."""

from neural.monitoring.monitor.model_monitor import ModelMonitor

__all__ = ["ModelMonitor"]
