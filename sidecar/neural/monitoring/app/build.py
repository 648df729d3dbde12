"""Where a sidecar is put together: the only place that constructs the rooms and hands them to each other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from neural.monitoring.alerts import AlertEngine, Delivery, build_channels, build_rules
from neural.monitoring.app.folder import prepare_folder
from neural.monitoring.app.monitors import build_monitors
from neural.monitoring.app.publisher import Publisher
from neural.monitoring.app.references import file_reference, use_reference
from neural.monitoring.app.upkeep import Upkeep
from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.decode import Decoding
from neural.monitoring.engine import Checkpointer, Engine, EngineSettings, EntryClock, Evaluator, Processor
from neural.monitoring.export import SpanEmitter, TrafficTotals, span_emitter
from neural.monitoring.ingest import Deduplicator, IngestService, Journal
from neural.monitoring.performance import LabelJoiner
from neural.monitoring.predictions import PredictionLog
from neural.monitoring.settings import Settings
from neural.monitoring.store import Store, open_store
from neural.monitoring.views import SIDECAR, SnapshotBoard
from neural.monitoring.windows import PaneStore, Stateful


@dataclass(slots=True)
class Sidecar:
    """A sidecar that has been put together and has recovered its state, but not yet started."""

    settings: Settings
    storage_path: Path
    store: Store
    reading_store: Store
    board: SnapshotBoard
    ingest: IngestService
    engine: Engine
    totals: TrafficTotals
    delivery: Delivery
    spans: SpanEmitter | None
    predictions: PredictionLog
    journal: Journal
    replayed: int

    def start(self) -> None:
        self.engine.start(self.ingest)
        self.delivery.start()

    def stop(self, timeout_seconds: float) -> bool:
        """Drain, checkpoint and close, in the order of the data's way. False when the engine did not finish in time."""
        finished = self.engine.stop(timeout_seconds)
        self.delivery.stop(timeout_seconds)
        if self.spans is not None:
            self.spans.stop()
        self.predictions.close()
        self.journal.close()
        self.reading_store.close()
        self.store.close()
        return finished


def build(settings: Settings, clock: Clock = system_clock) -> Sidecar:
    """Construct, restore and replay. Raises NeuralError in one line for what the user can mend."""
    reference = file_reference(settings, clock)
    folder = prepare_folder(settings.resolve(settings.store.path))
    store = open_store(folder)
    entry_clock = EntryClock(clock)
    panes = PaneStore(settings.windows, entry_clock, settings.reference if reference is None else None)
    totals = TrafficTotals()
    monitors = build_monitors(settings, store, entry_clock, totals)
    joiner = LabelJoiner(settings.performance)
    predictions = PredictionLog(folder / "predictions", settings.predictions, clock)
    spans = span_emitter(settings.export.otlp)
    decoding = Decoding(settings.decoding, settings.features)
    processor = Processor(decoding, panes, monitors, joiner, predictions, spans)
    channels = build_channels(settings.channels)
    model = (settings.model.name, settings.model.version)
    alerting = AlertEngine(
        build_rules(settings.alerts),
        store,
        channels,
        clock,
        evaluate_every=settings.windows.evaluate_every,
        specs=[spec for monitor in monitors for spec in monitor.specs],
    )
    evaluator = Evaluator(panes, monitors, processor, store, alerting, model)
    stateful: dict[str, Stateful] = {"joiner": joiner, "counters": processor.totals, "decoding": decoding}
    stateful |= {f"monitor.{one.name}": one for one in monitors if isinstance(one, Stateful)}
    journal = Journal(
        folder / "journal",
        segment_bytes=settings.store.journal.segment,
        max_bytes=settings.store.journal.max_size,
        fsync=settings.store.journal.fsync,
    )
    board = SnapshotBoard()
    started_at = clock()
    engine = Engine(
        EngineSettings(settings.windows.evaluate_every, settings.store.checkpoint_every),
        clock,
        entry_clock,
        journal=journal,
        processor=processor,
        evaluator=evaluator,
        checkpointer=Checkpointer(store, panes, stateful, predictions),
        panes=panes,
        publish=Publisher(board, store, processor.totals, totals, panes, started_at),
        upkeep=Upkeep(settings.store, store, predictions),
    )
    ingest = IngestService(journal, Deduplicator(), clock, settings.capture, engine.submit, engine.pressure)
    stateful["ingest"] = ingest
    replayed = engine.recover(lambda: use_reference(reference, panes))
    about = {
        "started_at": started_at,
        "model": {"name": model[0], "version": model[1]},
        "evaluate_every_seconds": settings.windows.evaluate_every,
        "pid": os.getpid(),
    }
    store.put_value(SIDECAR, about)
    return Sidecar(
        settings, folder, store, open_store(folder, read_only=True), board, ingest, engine, totals,
        Delivery(store, channels, clock), spans,
        predictions, journal, replayed,
    )  # fmt: skip
