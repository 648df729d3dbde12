"""SLA reports out of a storage folder, or from a running sidecar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neural.monitoring.cli.configuration import CONFIG_FILE, load_configuration
from neural.monitoring.cli.source import SidecarSource
from neural.monitoring.errors import NeuralError
from neural.monitoring.reports.objectives import sla_reports
from neural.monitoring.store import open_store

Reports = list[dict[str, Any]]


def stored_reports(storage_path: Path, config: Path | None, name: str | None, start: float, end: float) -> Reports:
    """Of the objectives in the configuration, if there is one, and of those of the Python API. Raises NeuralError without any."""
    store = open_store(storage_path, read_only=True)
    try:
        configured = config is not None or (storage_path / CONFIG_FILE).is_file()
        settings = load_configuration(config, storage_path) if configured else None
        objectives, model = (settings.slos, settings.model.name) if settings else ((), "")
        found = sla_reports(store, objectives, start, end, model=model)
    finally:
        store.close()
    chosen = [one for one in found if name in (None, one["slo_name"])]
    if not chosen:
        known = ", ".join(sorted({one["slo_name"] for one in found}))
        hint = f"there are: {known}" if known else "name the configuration with the objectives: --config FILE"
        raise NeuralError(f"no objective{f' named {name!r}' if name else ''} to report on ({hint})")
    return chosen


def asked_reports(url: str, token: str, name: str | None, start: float, end: float) -> Reports:
    """Of the sidecar's objectives. Raises NeuralError with its own words."""
    source = SidecarSource(url, token)
    try:
        wanted = {"since": start, "until": end} | ({"name": name} if name else {})
        found: Reports = source.request("GET", "/api/v1/slo/report", params=wanted)["reports"]
    finally:
        source.close()
    return found
