"""Where a sidecar is put together: the only place that constructs the rooms and hands them to each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from neural.monitoring.alerts import (
    AlertEngine,
    Channel,
    Delivery,
    Examples,
    Surroundings,
    build_channels,
    build_rules,
    build_silences,
)
from neural.monitoring.app.folder import prepare_folder
from neural.monitoring.app.monitors import build_monitors
from neural.monitoring.app.publisher import Publisher
from neural.monitoring.app.references import file_reference, use_reference
from neural.monitoring.app.sidecar import Sidecar
from neural.monitoring.app.upkeep import Upkeep
from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.decode import Decoding
from neural.monitoring.engine import Checkpointer, Engine, EngineSettings, EntryClock, Evaluator, Processor
from neural.monitoring.export import (
    BinTotals,
    Budget,
    IncidentWatch,
    SidecarMetrics,
    SLOTotals,
    TrafficTotals,
    board_verdicts,
    exemplars_wanted,
    otlp_reporter,
    span_emitter,
)
from neural.monitoring.ingest import Deduplicator, IngestService, Journal
from neural.monitoring.performance import LabelJoiner
from neural.monitoring.predictions import PredictionLog
from neural.monitoring.settings import Settings
from neural.monitoring.slo import SLOMonitor
from neural.monitoring.store import Store, open_store
from neural.monitoring.views import SIDECAR, SnapshotBoard
from neural.monitoring.windows import Monitor, PaneStore, Reference, Stateful

if TYPE_CHECKING:
    from neural.monitoring.predictions.upload import Uploader


def build(settings: Settings, clock: Clock = system_clock) -> Sidecar:
    """Construct, restore and replay. Raises NeuralError in one line for what the user can mend."""
    reference, baseline = file_reference(settings, clock)
    folder = prepare_folder(settings.resolve(settings.store.path))
    journal = _journal(settings, folder, clock)  # first: it locks the folder against a second sidecar
    # What a checkpoint covers leaves the journal: then it must be on the disk too.
    durable = settings.store.journal.fsync == "batch"
    store, board, entry_clock, totals = open_store(folder, fsync=durable), SnapshotBoard(), EntryClock(clock), TrafficTotals()
    panes = PaneStore(settings.windows, entry_clock, settings.reference if reference is None else None)
    bins, examples = BinTotals(settings.export.prometheus.fleet_columns), Examples()
    monitors = build_monitors(settings, store, entry_clock, (totals, bins, examples), baseline)
    predictions = PredictionLog(folder / "predictions", settings.prediction_log, clock, fsync=durable)
    uploader = _uploader(settings, folder, clock)
    spans = span_emitter(settings.export.otlp, verdicts=board_verdicts(board), incidents=IncidentWatch(board))
    decoding = _decoding(settings, reference)
    joiner = LabelJoiner(settings.performance, None if baseline is None else baseline.expect)
    processor = Processor(decoding, panes, monitors, joiner, predictions, spans)
    channels = build_channels(settings.channels)
    alerting = _alerting(settings, store, channels, monitors, clock, _surroundings(settings, folder, examples))
    evaluator = Evaluator(panes, monitors, processor, store, alerting, _model(settings))
    parts: dict[str, Stateful] = {"joiner": joiner, "counters": processor.totals, "decoding": decoding}
    parts |= {f"monitor.{one.name}": one for one in monitors if isinstance(one, Stateful)}
    engine = Engine(
        EngineSettings(settings.windows.evaluate_every, settings.store.checkpoint_every),
        clock,
        entry_clock,
        journal=journal,
        processor=processor,
        evaluator=evaluator,
        checkpointer=Checkpointer(store, panes, parts, predictions),
        panes=panes,
        publish=Publisher(board, store, processor.totals, totals, panes, started_at=_introduce(settings, store, clock)),
        upkeep=Upkeep(settings.store, store, predictions, joiner.labels_of),
    )
    ingest = IngestService(journal, Deduplicator(), clock, settings.capture, engine.submit, engine.pressure)
    parts["ingest"] = ingest
    delivery = Delivery(store, channels, clock)
    metrics = _metrics(
        settings,
        board,
        totals,
        (bins, *_slo_totals(monitors)),
        _stats(ingest=ingest, delivery=delivery, predictions=predictions, spans=spans, upload=uploader),
    )
    return Sidecar(
        settings=settings,
        storage_path=folder,
        store=store,
        reading_store=open_store(folder, read_only=True),
        board=board,
        journal=journal,
        ingest=ingest,
        engine=engine,
        alerting=alerting,
        metrics=metrics,
        delivery=delivery,
        predictions=predictions,
        uploader=uploader,
        spans=spans,
        reporter=otlp_reporter(settings.export.otlp, board, metrics),
        replayed=engine.recover(lambda: use_reference(reference, panes)),
        clock=clock,
    )


class _Counting(Protocol):
    def stats(self) -> Mapping[str, float]: ...


def _stats(**parts: _Counting | None) -> dict[str, Callable[[], Mapping[str, float]]]:
    return {name: part.stats for name, part in parts.items() if part is not None}


def _uploader(settings: Settings, folder: Path, clock: Clock) -> Uploader | None:
    upload = settings.predictions.upload
    if upload is None or not settings.predictions.enabled:
        return None
    from neural.monitoring.predictions.upload import build_uploader  # the clients of object stores take a while to load

    return build_uploader(folder / "predictions", upload, clock)


def _journal(settings: Settings, folder: Path, clock: Clock) -> Journal:
    journal = settings.store.journal
    return Journal(
        folder / "journal", segment_bytes=journal.segment, max_bytes=journal.max_size, fsync=journal.fsync, clock=clock
    )


def _decoding(settings: Settings, reference: Reference | None) -> Decoding:
    """Rows without names take those of the reference's columns, in its order."""
    decoding = settings.decoding
    if reference is not None and not decoding.feature_names and not settings.features:
        decoding = decoding.model_copy(update={"feature_names": list(reference.feature_names)})
    return Decoding(decoding, settings.features)


def _metrics(
    settings: Settings,
    board: SnapshotBoard,
    totals: TrafficTotals,
    fleet: Sequence[BinTotals | SLOTotals],
    stats: Mapping[str, Callable[[], Mapping[str, float]]],
) -> SidecarMetrics:
    """The page Prometheus scrapes; one object, whatever the number of doors it is served on."""
    prometheus = settings.export.prometheus
    budget = Budget(max_series=prometheus.max_series, max_label_values=prometheus.max_label_values)
    exemplars = prometheus.exemplars and exemplars_wanted(os.environ)
    return SidecarMetrics(board, totals, stats=stats, more=fleet, budget=budget, exemplars=exemplars)


def _slo_totals(monitors: Sequence[Monitor]) -> list[SLOTotals]:
    return [SLOTotals(one.totals) for one in monitors if isinstance(one, SLOMonitor)]


def _alerting(
    settings: Settings,
    store: Store,
    channels: dict[str, Channel],
    monitors: Sequence[Monitor],
    clock: Clock,
    around: Surroundings,
) -> AlertEngine:
    return AlertEngine(
        build_rules(settings.alerts),
        store,
        channels,
        clock,
        evaluate_every=settings.windows.evaluate_every,
        specs=[spec for monitor in monitors for spec in monitor.specs],
        silences=build_silences(settings.silences),
        around=around,
    )


def _surroundings(settings: Settings, folder: Path, examples: Examples) -> Surroundings:
    """What an alert's evidence points at."""
    dashboard = settings.dashboard
    url = (dashboard.url or f"http://{dashboard.host}:{dashboard.port}") if dashboard.enabled else ""
    return Surroundings(url, ("--storage-path", str(folder)), examples.of)


def _model(settings: Settings) -> tuple[str, str]:
    return settings.model.name, settings.model.version


def _introduce(settings: Settings, store: Store, clock: Clock) -> float:
    """Tell readers of the store whose it is. Returns the start time, Unix seconds."""
    started_at = clock()
    about = {
        "started_at": started_at,
        "model": {"name": settings.model.name, "version": settings.model.version},
        "evaluate_every_seconds": settings.windows.evaluate_every,
        "listen": settings.capture.listen,
        "pid": os.getpid(),
    }
    store.put_value(SIDECAR, about)
    return started_at
