"""At every checkpoint: old state goes, closed hours of the prediction log are rolled to Parquet with the labels that
have come, unused memory is given back."""

from __future__ import annotations

from dataclasses import dataclass

from neural.monitoring.app.memory import give_back
from neural.monitoring.predictions import LabelsOf, PredictionLog
from neural.monitoring.settings.storage import StoreSettings
from neural.monitoring.store import Store


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Called on the engine thread with the time."""

    settings: StoreSettings
    store: Store
    predictions: PredictionLog
    labels: LabelsOf

    def __call__(self, now: float) -> None:
        keep = {kind: seconds for kind, seconds in self.settings.keep.model_dump().items() if seconds is not None}
        self.store.apply_retention(keep, now=now, max_bytes=self.settings.max_disk)
        self.predictions.roll(now, self.labels)
        give_back()
