"""A sidecar that has been put together: its rooms, and how they start and stop."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neural.monitoring.alerts import AlertEngine, Delivery
from neural.monitoring.clock import Clock
from neural.monitoring.engine import Engine
from neural.monitoring.errors import StoreError
from neural.monitoring.export import OTLPReporter, SidecarMetrics
from neural.monitoring.ingest import IngestService, Journal
from neural.monitoring.predictions import PredictionLog
from neural.monitoring.settings import Settings
from neural.monitoring.store import Store
from neural.monitoring.views import SIDECAR, SnapshotBoard

if TYPE_CHECKING:  # the clients of object stores take a while to load, and so does OpenTelemetry
    from neural.monitoring.export.spans import SpanEmitter
    from neural.monitoring.predictions.upload import Uploader

log = logging.getLogger(__name__)
UPLOAD_TIMEOUT_SECONDS = 5.0
"""For the open hours of the prediction log, when the sidecar is stopped: with draining and open requests within 30 s."""


@dataclass(slots=True)
class Sidecar:
    """State is recovered (``replayed`` journal entries), nothing runs yet. ``reading_store`` is for the surfaces: it can't write."""

    settings: Settings
    storage_path: Path
    store: Store
    reading_store: Store
    board: SnapshotBoard
    journal: Journal
    ingest: IngestService
    engine: Engine
    alerting: AlertEngine
    metrics: SidecarMetrics
    delivery: Delivery
    predictions: PredictionLog
    uploader: Uploader | None
    spans: SpanEmitter | None
    reporter: OTLPReporter | None
    replayed: int
    clock: Clock

    def start(self) -> None:
        self.engine.start(self.ingest)
        self.delivery.start()
        for outlet in (self.reporter, self.uploader):
            if outlet is not None:
                outlet.start()

    def _say_goodbye(self) -> None:
        """Tell readers of the store that the silence to come is meant."""
        try:
            about = self.store.value(SIDECAR, {}) or {}
            self.store.put_value(SIDECAR, {**about, "stopped_at": self.clock()})
        except StoreError as error:  # a full disk must not keep the rest from being closed
            log.warning("the state can't say that the sidecar was stopped: %s", error)

    def stop(self, timeout_seconds: float) -> bool:
        """Drain, checkpoint and close, in the order of the data's way. False when the engine did not finish in time."""
        finished = self.engine.stop(timeout_seconds)
        self.delivery.stop(timeout_seconds)
        for outlet in (self.spans, self.reporter):
            if outlet is not None:
                outlet.stop()
        self.predictions.close()
        if self.uploader is not None:
            self.uploader.finish(UPLOAD_TIMEOUT_SECONDS)
        self._say_goodbye()  # while the journal still locks the folder: the next sidecar must have the last word
        self.journal.close()
        self.reading_store.close()
        self.store.close()
        return finished
