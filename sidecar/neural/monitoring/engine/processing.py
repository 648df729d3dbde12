"""One journal entry in, the rooms' state changed: decode, panes, monitors, labels, prediction log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from neural.monitoring.decode import Decoded, Decoding, excerpt
from neural.monitoring.engine.counters import Totals
from neural.monitoring.engine.gathering import (
    Batch,
    Gatherer,
    joined_rows,
    joined_traffic,
    row_layout,
    row_width,
    traffic_layout,
)
from neural.monitoring.engine.ports import BATCH, LABELS, Entry, PredictionSink, Spans
from neural.monitoring.performance import Label, LabelJoiner
from neural.monitoring.records import LabelledBatch, RecordBatch, TrafficBatch
from neural.monitoring.windows import (
    Monitor,
    ObservesLabels,
    ObservesRows,
    ObservesRowsAtOnce,
    ObservesTraffic,
    ObservesTrafficAtOnce,
    PaneStore,
)
from neural.wire import CaptureBatch, WireError
from neural.wire.decode import decode_batch

log = logging.getLogger(__name__)
UNWATCHED_ROWS, UNWATCHED_COLUMNS = "unwatched_rows", "unwatched_columns"
"""Totals: rows of model versions beyond ``windows.max_models``, and columns beyond ``windows.max_columns``."""
MAX_FAILURE_EXAMPLES = 20
"""Decode failures kept as examples between two evaluations."""


@dataclass(slots=True)
class Processor:
    """Applies entries. Deterministic: the same entries in the same order give the same state, which is what replay rests on."""

    decoding: Decoding
    panes: PaneStore
    monitors: Sequence[Monitor]
    joiner: LabelJoiner
    predictions: PredictionSink | None
    spans: Spans | None
    totals: Totals = field(default_factory=Totals)
    failures: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    _gathered_traffic: Gatherer[TrafficBatch] = field(init=False)
    _gathered_rows: Gatherer[RecordBatch] = field(init=False)
    _of_traffic_at_once: list[ObservesTrafficAtOnce] = field(init=False)  # asked once: isinstance is slow here
    _of_traffic: list[ObservesTraffic] = field(init=False)
    _of_rows: list[ObservesRows] = field(init=False)
    _of_rows_at_once: list[ObservesRowsAtOnce] = field(init=False)
    _of_labels: list[ObservesLabels] = field(init=False)

    def __post_init__(self) -> None:
        self._gathered_traffic = Gatherer(self._guarded(self._take_traffic), traffic_layout, joined_traffic)
        self._gathered_rows = Gatherer(self._guarded(self._take_rows), row_layout, joined_rows)
        self._of_traffic_at_once = [one for one in self.monitors if isinstance(one, ObservesTrafficAtOnce)]
        self._of_traffic = [one for one in self.monitors if isinstance(one, ObservesTraffic)]
        self._of_rows = [one for one in self.monitors if isinstance(one, ObservesRows)]
        self._of_rows_at_once = [one for one in self.monitors if isinstance(one, ObservesRowsAtOnce)]
        self._of_labels = [one for one in self.monitors if isinstance(one, ObservesLabels)]

    def settle(self) -> None:
        """Hand on what was gathered: before anything looks at what the rooms know, and before a checkpoint."""
        self._gathered_traffic.settle()
        self._gathered_rows.settle()

    def apply(self, entry: Entry, *, replay: bool) -> None:
        """Process one entry. A bad entry is counted and skipped: everything else goes on. Spans are not sent again on replay."""
        try:
            if entry.kind == BATCH:
                self._capture(decode_batch(entry.payload), replay=replay)
            elif entry.kind == LABELS:
                self._labels(entry.payload)
        except WireError as error:
            self.totals.counts[f"bad_entries.{error.reason}"] += 1
        except Exception:
            self.totals.counts["bad_entries.exception"] += 1
            log.exception("a journal entry could not be processed; it is skipped")

    def _capture(self, batch: CaptureBatch, *, replay: bool) -> None:
        self.totals.observe(batch)
        if not batch.events:
            return
        decoded = self.decoding.decode(batch)
        for traffic in decoded.traffic:
            self._traffic(traffic)
        for rows in decoded.rows:
            self._rows(rows)
        self._note_failures(batch, decoded)
        if self.spans is not None and not replay:
            self.spans.emit(batch, decoded)

    def _traffic(self, traffic: TrafficBatch) -> None:
        self.totals.counts["failed"] += int(traffic.failed.sum())
        for monitor in self._of_traffic_at_once:
            monitor.observe_traffic_at_once(traffic)
        self._gathered_traffic.add(traffic)

    def _take_traffic(self, traffic: TrafficBatch) -> None:
        self.panes.add_traffic(traffic)
        for monitor in self._of_traffic:
            monitor.observe_traffic(traffic)

    def _rows(self, rows: RecordBatch) -> None:
        self.totals.counts["rows"] += len(rows)
        for monitor in self._of_rows_at_once:
            monitor.observe_rows_at_once(rows)
        self._gathered_rows.add(rows, row_width(rows))
        if self.panes.reference(rows.model, rows.version) is None:
            self._gathered_rows.settle()  # a reference is learnt from so many rows, not from some more

    def _take_rows(self, rows: RecordBatch) -> None:
        self._watch(rows)
        for labelled in self.joiner.observe_rows(rows) or ():
            self._labelled(labelled)
        for monitor in self._of_rows:
            monitor.observe_rows(rows)
        if self.predictions is not None:
            self.predictions.append(rows)

    def _watch(self, rows: RecordBatch) -> None:
        """Count them; what there was no room for is said in the totals, where metrics and status find it."""
        refused = self.panes.refused_rows
        self.panes.add_rows(rows)
        if self.panes.refused_rows > refused:
            self.totals.counts[UNWATCHED_ROWS] += self.panes.refused_rows - refused
        columns = self.panes.unwatched_columns
        if columns:
            self.totals.counts[UNWATCHED_COLUMNS] = columns

    def _guarded(self, take: Callable[[Batch], None]) -> Callable[[Batch], None]:
        """Whoever settles (an evaluation, a checkpoint) goes on when a batch can't be processed."""

        def guarded(batch: Batch) -> None:
            try:
                take(batch)
            except Exception:
                self.totals.counts["bad_entries.exception"] += 1
                log.exception("a batch of %d could not be processed; it is skipped", len(batch))

        return guarded

    def _labels(self, payload: bytes) -> None:
        self.settle()
        items = json.loads(payload)["labels"]
        self.totals.counts["labels"] += len(items)
        labels = [Label(id=item["id"], label=item["label"], time=item["time"]) for item in items]
        for labelled in self.joiner.add_labels(labels):
            self._labelled(labelled)

    def _labelled(self, labelled: LabelledBatch) -> None:
        self.totals.counts["labels_matched"] += len(labelled)
        if self.predictions is not None:
            self.predictions.labelled(labelled.model, labelled.version, labelled.times)
        for monitor in self._of_labels:
            monitor.observe_labels(labelled)

    def _note_failures(self, batch: CaptureBatch, decoded: Decoded) -> None:
        for failure in decoded.failures:
            self.totals.counts[f"unparsed.{failure.reason}"] += 1
            if len(self.failures) < MAX_FAILURE_EXAMPLES:
                event = next((one for one in batch.events if one.prediction_id == failure.prediction_id), None)
                example = {
                    "reason": failure.reason,
                    "detail": failure.detail,
                    "prediction_id": failure.prediction_id,
                    "path": failure.path,
                    "example": excerpt(event.request_body) if event is not None else "",
                }
                self.failures.append(example)
