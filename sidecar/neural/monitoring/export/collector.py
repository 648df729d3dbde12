"""The sidecar's /metrics page, from the published snapshot: a scrape reads one reference and waits for nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from neural.capture.version import __version__
from neural.monitoring.export.budget import Budget
from neural.monitoring.export.catalogue import new_families
from neural.monitoring.export.family import Exemplar, Family
from neural.monitoring.export.from_signals import add_signals
from neural.monitoring.export.native import native_histogram
from neural.monitoring.export.protobuf import PROTOBUF, render_protobuf
from neural.monitoring.export.text import OPENMETRICS, TEXT, close, preferred, render
from neural.monitoring.export.totals import LATENCY_BOUNDS, ModelTotals, TrafficTotals
from neural.monitoring.store import AlertRow
from neural.monitoring.views import Snapshot, SnapshotBoard
from neural.wire import Ledger

Stats = Callable[[], Mapping[str, float]]
"""The numbers of one part of the sidecar: ``IngestService.stats``, ``SpanEmitter.stats`` …"""


class Page(Protocol):
    """More metrics for the same page, such as a user's ``MetricsRegistry``."""

    def page(self, *, openmetrics: bool) -> str: ...


class Contributor(Protocol):
    """Adds samples to families of the catalogue, such as ``BinTotals``."""

    def add_to(self, families: Mapping[str, Family]) -> None: ...


class SidecarMetrics:
    """Families of one moment, and the page they make.

    ``totals`` gives counters and histograms, ``more`` those of a fleet, ``stats`` the numbers of other parts by name, ``pages`` what users
    export themselves.
    """

    def __init__(
        self,
        board: SnapshotBoard,
        totals: TrafficTotals | None = None,
        *,
        stats: Mapping[str, Stats] | None = None,
        pages: Sequence[Page] = (),
        more: Sequence[Contributor] = (),
        budget: Budget | None = None,
        exemplars: bool = True,
    ) -> None:
        self._board, self._totals, self._pages, self._more = board, totals, pages, more
        self._stats: Mapping[str, Stats] = stats or {}
        self._budget = budget or Budget()
        self._exemplars = exemplars
        self._last_seconds = 0.0

    def families(self) -> list[Family]:
        """What can be said now, within the budget, in the catalogue's order."""
        families = new_families()
        snapshot = self._board.current()
        _add_sidecar(snapshot, families, self._last_seconds)
        if snapshot is not None:
            add_signals(snapshot.signals, families)
            _add_ledgers(snapshot.ledgers, families)
            _add_alerts(snapshot.alerts, families)
            families["neural_active_models"].add(len(snapshot.models))
            for kind, count in snapshot.counters.items():
                families["neural_sidecar_events_total"].add(count, kind)
        self._add_totals(snapshot, families)
        for component, stats in self._stats.items():
            for stat, value in stats().items():
                families["neural_sidecar_stat"].add(value, component, stat)
        for one in self._more:
            one.add_to(families)
        ordered = list(families.values())
        folded = self._budget.apply(ordered)
        families["neural_metrics_folded_series"].add(folded)
        families["neural_metrics_folded_samples_total"].add(self._budget.folded_samples)
        return ordered

    def page(self, accept: str = "") -> tuple[str, str]:
        """(content type, text) for an Accept header."""
        begin = time.perf_counter()
        openmetrics = preferred(accept) == OPENMETRICS
        text = render(self.families(), openmetrics=openmetrics)
        text += "".join(page.page(openmetrics=openmetrics) for page in self._pages)
        self._last_seconds = time.perf_counter() - begin
        return (OPENMETRICS, close(text)) if openmetrics else (TEXT, text)

    def scrape(self, accept: str = "") -> tuple[str, bytes]:
        """(content type, body): as ``page``, and protobuf with native histograms for who prefers that. Users' own pages are text only:
        where there are any, the whole page is text."""
        if self._pages or preferred(accept, protobuf=True) != PROTOBUF:
            kind, text = self.page(accept)
            return kind, text.encode()
        begin = time.perf_counter()
        body = render_protobuf(self.families())
        self._last_seconds = time.perf_counter() - begin
        return PROTOBUF, body

    def _add_totals(self, snapshot: Snapshot | None, families: Mapping[str, Family]) -> None:
        models = self._totals.models() if self._totals is not None else {}
        for key, totals in models.items():
            _add_model(key, totals, families, exemplars=totals.exemplars if self._exemplars else ())
        if not models and snapshot is not None and len(snapshot.models) == 1 and "rows" in snapshot.counters:
            families["neural_predictions_total"].add(snapshot.counters["rows"], *snapshot.models[0])


def _add_model(
    key: tuple[str, str], totals: ModelTotals, families: Mapping[str, Family], *, exemplars: Sequence[Exemplar | None]
) -> None:
    families["neural_predictions_total"].add(totals.predictions, *key)
    families["neural_prediction_latency_seconds"].add_histogram(
        LATENCY_BOUNDS,
        totals.latency_counts,
        totals.latency_sum,
        *key,
        exemplars=exemplars,
        native=native_histogram(totals.native_cells),
    )
    evaluations = families["neural_drift_evaluations_total"]
    for outcome, count in totals.verdicts.items():
        evaluations.add(count, *key, outcome, exemplar=totals.drifting_trace if exemplars and outcome == "bad" else None)
    errors = families["neural_errors_total"]
    errors.add(totals.server_errors, *key, "server")
    errors.add(totals.client_errors, *key, "client")
    errors.add(sum(totals.unparsed.values()), *key, "unparsed")
    for status, count in totals.by_status.items():
        families["neural_requests_total"].add(count, *key, status)
    for reason, count in totals.unparsed.items():
        families["neural_unparsed_total"].add(count, *key, reason)


def _add_ledgers(ledgers: Mapping[str, Ledger], families: Mapping[str, Family]) -> None:
    """All sources added up: sources come and go with processes, and a label for each would never end."""
    if not ledgers:
        return
    every = ledgers.values()
    families["neural_capture_seen_total"].add(sum(one.seen for one in every))
    families["neural_capture_shipped_total"].add(sum(one.shipped for one in every))
    families["neural_capture_sampled_out_total"].add(sum(one.sampled_out for one in every))
    families["neural_capture_in_flight"].add(sum(one.in_flight for one in every))
    families["neural_capture_sources"].add(len(ledgers))
    families["neural_capture_unbalanced_sources"].add(sum(not one.balanced for one in every))
    for reason in sorted({reason for one in every for reason in one.dropped}):
        families["neural_capture_dropped_total"].add(sum(one.dropped.get(reason, 0) for one in every), reason)


def _add_alerts(alerts: Iterable[AlertRow], families: Mapping[str, Family]) -> None:
    counts: dict[tuple[str, str, str], int] = {}
    for alert in alerts:
        key = (alert.rule, alert.severity, alert.state)
        counts[key] = counts.get(key, 0) + 1
    for key, count in counts.items():
        families["neural_alerts"].add(count, *key)


def _add_sidecar(snapshot: Snapshot | None, families: Mapping[str, Family], last_seconds: float) -> None:
    families["neural_build_info"].add(1, __version__)
    families["neural_sidecar_cpu_seconds_total"].add(time.process_time())
    families["neural_metrics_scrape_seconds"].add(last_seconds)
    if snapshot is not None:
        families["neural_sidecar_start_time_seconds"].add(snapshot.started_at)
        families["neural_sidecar_last_evaluation_timestamp_seconds"].add(snapshot.time)
