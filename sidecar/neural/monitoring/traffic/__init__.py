"""Traffic: rates, error shares and latency as signals."""

from neural.monitoring.traffic.monitor import TrafficMonitor

__all__ = ["TrafficMonitor"]
