"""At every checkpoint: old state goes, closed hours of the prediction log are rolled to Parquet, unused memory is given back."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import pyarrow as pa

from neural.monitoring.predictions import PredictionLog
from neural.monitoring.settings.storage import StoreSettings
from neural.monitoring.store import Store

_C = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Called on the engine thread with the time."""

    settings: StoreSettings
    store: Store
    predictions: PredictionLog

    def __call__(self, now: float) -> None:
        keep = {kind: seconds for kind, seconds in self.settings.keep.model_dump().items() if seconds is not None}
        self.store.apply_retention(keep, now=now, max_bytes=self.settings.max_disk)
        self.predictions.roll(now)
        _give_back_memory()


def _give_back_memory() -> None:
    """What a burst or a checkpoint has used goes back to the system now, not at some later time: glibc keeps it otherwise."""
    pa.default_memory_pool().release_unused()
    trim = getattr(_C, "malloc_trim", None)
    if trim is not None:
        trim(0)
