"""Grafana's dashboards, from one Python source: ``python -m neural.monitoring.export.grafana FOLDER`` writes them."""

from __future__ import annotations

from neural.monitoring.export.grafana.boards import DASHBOARDS
from neural.monitoring.export.grafana.panels import Dashboard, Panel, Query, Variable, dashboard_json
from neural.monitoring.export.grafana.write import write_dashboards

__all__ = ["DASHBOARDS", "Dashboard", "Panel", "Query", "Variable", "dashboard_json", "write_dashboards"]
