"""One journal entry in, the rooms' state changed: decode, panes, monitors, labels, prediction log."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from neural.monitoring.decode import Decoded, Decoding
from neural.monitoring.engine.counters import Totals
from neural.monitoring.engine.ports import BATCH, LABELS, Entry, PredictionSink, Spans
from neural.monitoring.performance import Label, LabelJoiner
from neural.monitoring.records import LabelledBatch, RecordBatch, TrafficBatch
from neural.monitoring.windows import Monitor, ObservesLabels, ObservesRows, ObservesTraffic, PaneStore
from neural.wire import CaptureBatch, WireError, decode_batch

log = logging.getLogger(__name__)
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
        self._note_failures(decoded)
        if self.spans is not None and not replay:
            self.spans.emit(batch, decoded)

    def _traffic(self, traffic: TrafficBatch) -> None:
        self.totals.counts["failed"] += int(traffic.failed.sum())
        self.panes.add_traffic(traffic)
        for monitor in self.monitors:
            if isinstance(monitor, ObservesTraffic):
                monitor.observe_traffic(traffic)

    def _rows(self, rows: RecordBatch) -> None:
        self.totals.counts["rows"] += len(rows)
        self.panes.add_rows(rows)
        for labelled in self.joiner.observe_rows(rows) or ():
            self._labelled(labelled)
        for monitor in self.monitors:
            if isinstance(monitor, ObservesRows):
                monitor.observe_rows(rows)
        if self.predictions is not None:
            self.predictions.append(rows)

    def _labels(self, payload: bytes) -> None:
        items = json.loads(payload)["labels"]
        self.totals.counts["labels"] += len(items)
        labels = [Label(id=item["id"], label=item["label"], time=item["time"]) for item in items]
        for labelled in self.joiner.add_labels(labels):
            self._labelled(labelled)

    def _labelled(self, labelled: LabelledBatch) -> None:
        self.totals.counts["labels_matched"] += len(labelled)
        for monitor in self.monitors:
            if isinstance(monitor, ObservesLabels):
                monitor.observe_labels(labelled)

    def _note_failures(self, decoded: Decoded) -> None:
        for failure in decoded.failures:
            self.totals.counts[f"unparsed.{failure.reason}"] += 1
            if len(self.failures) < MAX_FAILURE_EXAMPLES:
                example = {
                    "reason": failure.reason,
                    "detail": failure.detail,
                    "prediction_id": failure.prediction_id,
                    "path": failure.path,
                }
                self.failures.append(example)
