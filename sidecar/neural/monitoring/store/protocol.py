"""The one small protocol of the state store. ``SQLiteStore`` and ``MemoryStore`` pass the same conformance suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from neural.monitoring.signal import Signal
from neural.monitoring.store.rows import AlertRow, OutboxRow, Report, Silence


class Store(Protocol):
    """Where state lives. Every write outside ``transaction`` is its own transaction; all methods are thread-safe."""

    def transaction(self) -> AbstractContextManager[None]:
        """Group writes: all or none. Nesting joins the outer one."""
        ...

    # signals
    def write_signals(self, signals: Iterable[Signal]) -> None: ...
    def read_signals(
        self,
        names: Sequence[str] | None = None,
        *,
        labels: Mapping[str, str] | None = None,  # equality on those given
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,  # newest first are kept; the result is in time order
        every: float | None = None,  # seconds: only the newest point of each such slice of time, for charts of long stretches
    ) -> list[Signal]: ...
    def latest_signals(self, names: Sequence[str] | None = None, *, labels: Mapping[str, str] | None = None) -> list[Signal]:
        """The newest signal of every series, with its verdict."""
        ...

    # reports
    def add_report(self, report: Report) -> None: ...
    def reports(
        self, kind: str, *, limit: int = 100, since: float | None = None, until: float | None = None, model: str | None = None
    ) -> list[Report]:
        """The newest ``limit`` reports of the kind between the two times, oldest first."""
        ...

    # alerts and silences
    def put_alert(self, alert: AlertRow) -> None:
        """Insert, or replace by ``alert_id``."""
        ...

    def alerts(
        self,
        *,
        since: float | None = None,  # touched (updated_at) since
        states: Sequence[str] | None = None,
        severity: str | None = None,
        limit: int | None = None,
    ) -> list[AlertRow]:
        """Newest started first."""
        ...

    def put_silence(self, silence: Silence) -> None: ...
    def silences(self, *, active_at: float | None = None) -> list[Silence]: ...

    # outbox
    def put_outbox(self, row: OutboxRow) -> None:
        """Insert, or replace by ``message_id``."""
        ...

    def outbox(
        self,
        *,
        state: str | None = None,
        due_at: float | None = None,
        channel: str | None = None,
        message_id: str | None = None,
        limit: int | None = None,
    ) -> list[OutboxRow]:
        """Oldest first."""
        ...

    # SLO counters, per slot (a minute, or the pane width)
    def add_slo_counts(self, slo: str, slot: float, good: float, total: float) -> None:
        """Set the slot's counts (idempotent: the last call for a slot wins)."""
        ...

    def add_many_slo_counts(self, rows: Iterable[tuple[str, float, float, float]]) -> None:
        """The same for many (slo, slot, good, total)."""
        ...

    def slo_counts(self, slo: str, *, since: float, until: float) -> list[tuple[float, float, float]]:
        """(slot start, good, total), in time order."""
        ...

    # blobs: panes, references, snapshots, checkpoints
    def put_blob(self, kind: str, key: str, data: bytes, *, time: float = 0.0) -> None: ...
    def blob(self, kind: str, key: str) -> bytes | None: ...
    def blobs(self, kind: str, *, since: float | None = None) -> list[tuple[str, float, bytes]]:
        """(key, time, data) in time order."""
        ...

    def delete_blobs(self, kind: str, *, before: float) -> int: ...

    # small JSON values: model info, schema, config in force
    def put_value(self, key: str, value: Any) -> None: ...
    def value(self, key: str, default: Any = None) -> Any: ...

    # upkeep
    def apply_retention(self, keep_seconds: Mapping[str, float], *, now: float, max_bytes: int | None = None) -> int:
        """Delete what is older than its kind's age, then the oldest until the file fits. Returns rows deleted."""
        ...

    def close(self) -> None: ...
