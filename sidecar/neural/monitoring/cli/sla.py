"""SLA reports out of a storage folder: objectives on counted events (from the configuration) and on measured values (from the Python API)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neural.monitoring.cli.configuration import CONFIG_FILE, load_configuration
from neural.monitoring.errors import NeuralError
from neural.monitoring.store import Store, open_store
from neural.monitoring.views import models


def sla_reports(storage_path: Path, config: Path | None, name: str | None, start: float, end: float) -> list[dict[str, Any]]:
    """One ``SLAReport.to_dict()`` for each objective and model. Raises NeuralError when there is nothing to report on."""
    store = open_store(storage_path, read_only=True)
    try:
        found = _measured(store, start, end) + _counted(store, storage_path, config, start, end)
    finally:
        store.close()
    chosen = [one for one in found if name in (None, one["slo_name"])]
    if not chosen:
        known = ", ".join(sorted({one["slo_name"] for one in found}))
        hint = f"there are: {known}" if known else "name the configuration with the objectives: --config FILE"
        raise NeuralError(f"no objective{f' named {name!r}' if name else ''} to report on ({hint})")
    return chosen


def _measured(store: Store, start: float, end: float) -> list[dict[str, Any]]:
    from neural.monitoring.slo import SLOTracker

    tracker = SLOTracker(store=store)
    return [tracker.generate_sla_report(name, start, end).to_dict() for name in tracker.slos]


def _counted(store: Store, storage_path: Path, config: Path | None, start: float, end: float) -> list[dict[str, Any]]:
    from neural.monitoring.slo import sla_report

    if config is None and not (storage_path / CONFIG_FILE).is_file():
        return []
    settings = load_configuration(config, storage_path)
    names = sorted({model for model, _ in models(store)}) or [settings.model.name]
    return [
        sla_report(store, one, model, start=start, end=end).to_dict()
        for one in settings.slos
        for model in names
        if one.model in (None, model)
    ]
