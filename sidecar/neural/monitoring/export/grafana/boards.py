"""The dashboards. Every metric they name stands in the catalogue; a test runs every query."""

from __future__ import annotations

from neural.monitoring.export.grafana.capture_board import CAPTURE
from neural.monitoring.export.grafana.drift_board import DRIFT
from neural.monitoring.export.grafana.fleet_board import FLEET
from neural.monitoring.export.grafana.model_board import MODEL
from neural.monitoring.export.grafana.slo_board import SLO

DASHBOARDS = (FLEET, MODEL, DRIFT, SLO, CAPTURE)
