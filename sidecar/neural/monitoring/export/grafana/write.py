"""Dashboards into files, one a dashboard."""

from __future__ import annotations

import json
from pathlib import Path

from neural.monitoring.export.grafana.boards import DASHBOARDS
from neural.monitoring.export.grafana.panels import Dashboard, dashboard_json


def dashboard_text(dashboard: Dashboard) -> str:
    """The file's text; the same at every call."""
    return json.dumps(dashboard_json(dashboard), indent=2, ensure_ascii=False) + "\n"


def write_dashboards(folder: Path) -> list[Path]:
    """Write every dashboard as ``<uid>.json`` into the folder. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for dashboard in DASHBOARDS:
        path = folder / f"{dashboard.uid}.json"
        path.write_text(dashboard_text(dashboard), encoding="utf-8")
        written.append(path)
    return written
