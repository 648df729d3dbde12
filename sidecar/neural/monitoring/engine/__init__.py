"""The engine: journal entries in, signals and alerts out."""

from neural.monitoring.engine.capture_signals import CAPTURE_SPECS
from neural.monitoring.engine.checkpoint import Checkpointer
from neural.monitoring.engine.counters import Totals
from neural.monitoring.engine.engine import Engine, EngineSettings
from neural.monitoring.engine.entry_clock import EntryClock
from neural.monitoring.engine.evaluator import Evaluator
from neural.monitoring.engine.ports import BATCH, LABELS, TICK
from neural.monitoring.engine.processing import Processor

__all__ = [
    "BATCH", "CAPTURE_SPECS", "LABELS", "TICK", "Checkpointer", "Engine", "EngineSettings", "EntryClock", "Evaluator", "Processor", "Totals",
]  # fmt: skip
