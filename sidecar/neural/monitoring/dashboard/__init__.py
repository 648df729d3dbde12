"""The dashboard: what the store holds, in pages for people."""

from neural.monitoring.dashboard.application import build_dashboard
from neural.monitoring.dashboard.serving import serve_dashboard

__all__ = ["build_dashboard", "serve_dashboard"]
