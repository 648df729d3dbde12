"""Spans of inferences, gathered in a bounded queue and sent by a thread of their own: the engine never waits for a collector."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.sdk.trace.export import SpanExportResult

from neural.monitoring.decode import Decoded
from neural.monitoring.export.incidents import IncidentWatch
from neural.monitoring.export.inference import INCIDENTS, InferenceReader, InferenceSpan, incident_span
from neural.monitoring.export.span_export import Exporter, SpanMaker, otlp_exporter
from neural.monitoring.export.span_options import SpanOptions
from neural.monitoring.export.verdicts import Verdicts, no_verdicts
from neural.wire import CaptureBatch

log = logging.getLogger(__name__)


class SpanEmitter:
    """A span for each sampled inference. ``emit`` queues and returns; what doesn't fit is dropped and counted.

    ``queued == exported + failed + waiting`` at any time: every span that was queued ends in one place.
    """

    def __init__(
        self,
        options: SpanOptions,
        exporter: Exporter | None = None,
        *,
        verdicts: Verdicts = no_verdicts,
        incidents: IncidentWatch | None = None,
    ) -> None:
        self._options, self._verdicts = options, verdicts
        self._incidents = incidents or IncidentWatch()  # only the sending thread looks
        self._maker = SpanMaker(options)
        self._exporter = exporter if exporter is not None else otlp_exporter(options)
        self._queue: deque[InferenceSpan] = deque()
        self._sending = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._flush_wanted = False
        self._counts = dict.fromkeys(("queued", "exported", "failed", "dropped", "sampled_out", "bad_events"), 0)
        self._thread = threading.Thread(target=self._run, name="neural-spans", daemon=True)
        self._thread.start()

    def emit(self, batch: CaptureBatch, decoded: Decoded) -> int:
        """Queue the spans of a batch. Returns how many; never blocks, never raises on an event's behalf."""
        reader = InferenceReader(batch, decoded, self._verdicts)
        spans: list[InferenceSpan] = []
        sampled_out = bad = 0
        for event, trace_id, parent in reader.events():
            if not self._options.sampler.keeps(trace_id, parent):
                sampled_out += 1
                continue
            try:
                spans.append(reader.span(event, trace_id, parent))
            except Exception:
                bad += 1
        return self._queued(spans, sampled_out, bad)

    def stats(self) -> Mapping[str, float]:
        """Running totals, and how many spans wait."""
        with self._changed:
            return {
                **{name: float(count) for name, count in self._counts.items()},
                "waiting": float(len(self._queue) + self._sending),
            }

    def flush(self, timeout_seconds: float) -> bool:
        """Send what waits now. False when that took too long."""
        with self._changed:
            self._flush_wanted = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._queue and not self._sending, timeout_seconds)

    def stop(self, timeout_seconds: float = 5.0) -> bool:
        """Send what waits, then end. False when that took too long: what is left counts as failed."""
        flushed = self.flush(timeout_seconds)
        with self._changed:
            self._stopping = True
            self._counts["failed"] += len(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        self._exporter.shutdown()  # interrupts a retry that is under way
        self._thread.join(timeout_seconds)
        return flushed

    def _queued(self, spans: list[InferenceSpan], sampled_out: int, bad: int) -> int:
        with self._changed:
            room = 0 if self._stopping else max(0, self._options.queue - len(self._queue) - self._sending)
            self._queue.extend(spans[:room])
            taken = min(room, len(spans))
            self._counts["queued"] += taken
            self._counts["dropped"] += len(spans) - taken
            self._counts["sampled_out"] += sampled_out
            self._counts["bad_events"] += bad
            if len(self._queue) >= self._options.batch:
                self._changed.notify_all()
        return taken

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            batch += self._ended_incidents()
            ok = self._send(batch) if batch else True
            with self._changed:
                self._counts["exported" if ok else "failed"] += len(batch)
                self._sending = 0
                self._changed.notify_all()

    def _ended_incidents(self) -> list[InferenceSpan]:
        """Few and worth more than an inference: they need no place in the queue."""
        spans = [incident_span(one, self._options.resource) for one in self._incidents.ended()]
        with self._changed:
            self._counts["queued"] += len(spans)
            self._sending += len(spans)
        return spans

    def _next_batch(self) -> list[InferenceSpan] | None:
        """A full batch, or what has gathered after the delay, or on a flush. None at the end."""
        with self._changed:
            self._changed.wait_for(self._due, self._options.delay_seconds)
            if self._stopping:
                return None
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._options.batch))]
            self._flush_wanted = self._flush_wanted and bool(self._queue)
            self._sending = len(batch)
            return batch

    def _due(self) -> bool:
        return self._stopping or self._flush_wanted or len(self._queue) >= self._options.batch

    def _send(self, batch: list[InferenceSpan]) -> bool:
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, value=True))  # exporting spans must not make spans
        try:
            spans = [self._maker.make(self._with_alerts(span)) for span in batch]
            return self._exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception:
            log.exception("spans could not be sent")
            return False
        finally:
            detach(token)

    def _with_alerts(self, span: InferenceSpan) -> InferenceSpan:
        """The first inference after an alert began or ended tells it."""
        if span.source == INCIDENTS:
            return span
        events = self._incidents.events_for(*span.model)
        return replace(span, events=events) if events else span
