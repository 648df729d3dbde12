"""Accepting: check, refuse under pressure, drop repeats, write to the journal, and only then acknowledge."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from neural.monitoring.clock import Clock
from neural.monitoring.errors import StoreError
from neural.monitoring.ingest.cloudevents import CloudEventSettings, Half, Pairing
from neural.monitoring.ingest.dedup import MAX_SOURCES, Deduplicator
from neural.monitoring.ingest.journal import Entry, EntryKind, Journal, JournalFull, Position
from neural.monitoring.ingest.labels import read_labels
from neural.monitoring.ingest.refusal import Refused
from neural.wire import DEFAULT_LIMITS, CaptureBatch, Ledger, Limits, WireError, encode_batch
from neural.wire.decode import decode_batch

_FULL: Final = 1.0  # pressure from which nothing more is accepted
_MAX_RETRY_AFTER_SECONDS: Final = 30
_MAX_RESOURCE: Final = 64  # entries of a source's description that are kept


class BatchLimits(Protocol):
    """What the configuration says about a batch."""

    @property
    def max_batch(self) -> int: ...  # bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """The acknowledgement: how much was accepted. A repeat is acknowledged again, and counted once."""

    accepted: int
    duplicate: bool = False


class IngestService:
    """Takes capture batches, labels and CloudEvents. Thread-safe.

    ``on_entry`` hears of every entry once it is in the journal. ``pressure`` says how full the sidecar is; from 1 on, requests are
    refused with 429 and a Retry-After that grows with it. Opening the service reads the journal, so that a repeat of what a former process
    acknowledged is known; ``restore`` adds what a checkpoint knew.
    """

    def __init__(
        self,
        journal: Journal,
        dedup: Deduplicator,
        clock: Clock,
        limits: BatchLimits | None = None,
        on_entry: Callable[[Entry], None] = lambda _: None,
        pressure: Callable[[], float] = lambda: 0.0,
        *,
        cloud_events: CloudEventSettings | None = None,
    ) -> None:
        self._journal, self._dedup, self._clock = journal, dedup, clock
        self._limits = DEFAULT_LIMITS if limits is None else Limits(max_bytes=limits.max_batch)
        self._on_entry, self._pressure = on_entry, pressure
        self._lock = threading.RLock()  # one order for dedup, journal and on_entry
        self._counts: Counter[str] = Counter()
        self._sources: OrderedDict[str, CaptureBatch] = OrderedDict()
        self._pairing = Pairing(cloud_events or CloudEventSettings(), clock)
        self._recover()

    @property
    def limits(self) -> Limits:
        return self._limits

    @property
    def blocking(self) -> bool:
        """True when accepting waits for the disk, and so belongs on a thread."""
        return self._journal.fsync != "never"

    def now(self) -> float:
        """Unix seconds, by the service's clock."""
        return self._clock()

    def accept_batch(self, body: bytes) -> Receipt:
        """One capture batch as posted. Raises Refused."""
        self._check_pressure()
        batch = self._decode(body)
        if not batch.source or batch.sequence < 1:  # an empty body is a valid message, and no batch
            raise self._refused("no_source", "a batch names its source and counts its sequence from 1")
        with self._lock:
            if self._dedup.seen(batch.source, batch.sequence):
                self._counts["duplicates"] += 1
                return Receipt(0, duplicate=True)
            self._append(EntryKind.BATCH, body)
            self._dedup.add(batch.source, batch.sequence)
            self._remember(batch)
        self._counts["batches"] += 1
        self._counts["events"] += len(batch.events)
        return Receipt(len(batch.events))

    def accept_labels(self, body: bytes) -> Receipt:
        """Labels as JSON or JSON Lines. Raises Refused. A repeat is harmless: labels are joined by id."""
        self._check_pressure()
        payload = self._counted(lambda: read_labels(body, now=self._clock()))
        count = payload.count(b'"id":')
        with self._lock:
            self._append(EntryKind.LABELS, payload)
        self._counts["labels"] += count
        return Receipt(count)

    def accept_half(self, half: Half) -> Receipt:
        """One CloudEvent: a request or a response. It becomes an event once its other half is there. Raises Refused."""
        self._check_pressure()
        with self._lock:
            for batch in self._pairing.add(half):
                self._append_own(batch)
            return Receipt(1)

    def append(self, kind: int, payload: bytes) -> Position:
        """An entry of the sidecar's own (the engine's ticks), in one order with the data. Raises Refused when the disk does.

        Also the moment at which CloudEvents that waited too long for their other half are given up.
        """
        with self._lock:
            for batch in self._pairing.expire():
                self._append_own(batch)
            return self._append(EntryKind(kind), payload)

    def refuse(self, refused: Refused) -> None:
        """Counts a refusal that was decided before the service saw the request (too large, wrong type)."""
        self._counts[f"refused.{refused.reason}"] += 1

    def stats(self) -> dict[str, float]:
        """Counters since the start, and gauges: journal size, sources, pressure."""
        return {
            "batches": 0.0, "events": 0.0, "duplicates": 0.0, "labels": 0.0,
            **{name: float(count) for name, count in list(self._counts.items())},
            **self._pairing.stats(),
            "journal_bytes": float(self._journal.size_bytes),
            "journal_damaged_bytes": float(self._journal.damaged_bytes),
            "sources": float(len(self._sources)),
            "pressure": self._pressure(),
        }  # fmt: skip

    def sources(self) -> Mapping[str, CaptureBatch]:
        """The newest batch of each source, without its events: ledger, rung, overhead."""
        with self._lock:
            return dict(self._sources)

    def snapshot(self) -> Mapping[str, Any]:
        """JSON-able: what the journal forgets once a checkpoint covers it."""
        with self._lock:
            return {"dedup": self._dedup.snapshot(), "sources": [_as_json(batch) for batch in self._sources.values()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Adds what a checkpoint knew. What the journal says since wins."""
        with self._lock:
            self._dedup.restore(state.get("dedup", {}))
            for item in state.get("sources", ()):
                self._remember(_from_json(item))

    def _recover(self) -> None:
        for entry in self._journal.read_from(None):
            if entry.kind is EntryKind.BATCH:
                try:
                    batch = decode_batch(entry.payload, self._limits)
                except WireError:  # accepted under wider limits than now
                    self._counts["unreadable_entries"] += 1
                    continue
                self._dedup.add(batch.source, batch.sequence)
                self._remember(batch)

    def _refused(self, reason: str, detail: str) -> Refused:
        refused = Refused(400, reason, detail)
        self.refuse(refused)
        return refused

    def _decode(self, body: bytes) -> CaptureBatch:
        try:
            return decode_batch(body, self._limits)
        except WireError as error:
            refused = Refused(413 if error.reason.startswith("too_") else 400, error.reason, str(error))
            self.refuse(refused)
            raise refused from None

    def _append_own(self, batch: CaptureBatch) -> None:
        self._append(EntryKind.BATCH, encode_batch(batch))
        self._dedup.add(batch.source, batch.sequence)
        self._remember(batch)
        self._counts["events"] += len(batch.events)

    def _append(self, kind: EntryKind, payload: bytes) -> Position:
        received_at = self._clock()
        try:
            position = self._journal.append(kind, payload, received_at=received_at)
        except JournalFull as error:
            raise self._later(503, "journal_full", str(error)) from None
        except StoreError as error:
            raise self._later(503, "journal_error", str(error)) from None
        self._counts["bytes"] += len(payload)
        self._on_entry(Entry(kind, payload, position, received_at))
        return position

    def _check_pressure(self) -> None:
        pressure = self._pressure()
        if pressure >= _FULL:
            raise self._later(429, "back_pressure", f"pressure {pressure:.2f}", pressure)

    def _later(self, status: int, reason: str, detail: str, pressure: float = _FULL) -> Refused:
        """A refusal to be tried again: in 1 s at pressure 1, in 30 s at most."""
        wait = min(
            _MAX_RETRY_AFTER_SECONDS, max(1, round(2 ** (4 * (pressure - _FULL)))) if pressure < 3 else _MAX_RETRY_AFTER_SECONDS
        )
        refused = Refused(status, reason, detail, retry_after_seconds=wait)
        self.refuse(refused)
        return refused

    def _counted(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except Refused as refused:
            self.refuse(refused)
            raise

    def _remember(self, batch: CaptureBatch) -> None:
        known = self._sources.get(batch.source)
        if known is not None and known.sequence > batch.sequence:
            return
        self._sources[batch.source] = batch._replace(events=(), resource=dict(list(batch.resource.items())[:_MAX_RESOURCE]))
        self._sources.move_to_end(batch.source)
        while len(self._sources) > MAX_SOURCES:
            self._sources.popitem(last=False)


def _as_json(batch: CaptureBatch) -> dict[str, Any]:
    ledger = batch.ledger._asdict() | {"dropped": dict(batch.ledger.dropped)}
    return batch._asdict() | {"events": [], "ledger": ledger, "resource": dict(batch.resource)}


def _from_json(item: Mapping[str, Any]) -> CaptureBatch:
    return CaptureBatch(**{**item, "events": (), "ledger": Ledger(**item["ledger"])})
