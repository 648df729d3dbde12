"""The monitors of a sidecar, in the order in which they are asked: later ones may look at the signals of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from neural.monitoring.clock import Clock
from neural.monitoring.drift import DriftMonitor
from neural.monitoring.errors import ConfigError
from neural.monitoring.performance import Baseline, PerformanceMonitor
from neural.monitoring.quality import QualityMonitor
from neural.monitoring.settings import Settings
from neural.monitoring.settings.basics import MonitorSettings
from neural.monitoring.slo import SLOMonitor
from neural.monitoring.store import Store
from neural.monitoring.traffic import TrafficMonitor
from neural.monitoring.windows import Monitor


def build_monitors(
    settings: Settings, store: Store, clock: Clock, totals: Sequence[Monitor], baseline: Baseline | None = None
) -> list[Monitor]:
    """The house's monitors, the user's own, then SLOs, which judge the others, and totals, which only count, verdicts too.

    Raises ConfigError for an own one that can't be loaded.
    """
    return [
        TrafficMonitor(),
        PerformanceMonitor(
            settings.performance, baseline
        ),  # before drift, which says how much of the reference's performance is lost
        DriftMonitor(settings.drift),
        QualityMonitor(settings.quality, settings.features),
        *(_own(one, f"monitors[{index}].use", settings) for index, one in enumerate(settings.monitors)),
        SLOMonitor(settings.slos, store, clock, slot_seconds=settings.windows.pane_seconds),
        *totals,
    ]


def _own(own: MonitorSettings, key: str, settings: Settings) -> Monitor:
    module, _, name = own.use.partition(":")
    try:
        monitor = getattr(import_module(module), name)(**own.options)
    except Exception as error:
        raise ConfigError(f"can't load {own.use}: {error}", where=settings.where(key), key=key) from error
    if not isinstance(monitor, Monitor):
        raise ConfigError(f"{own.use} is no monitor: it needs name, specs and evaluate", where=settings.where(key), key=key)
    return monitor
