"""What the engine needs from the rooms above and beside it, as protocols: they are handed in by ``app``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.decode import Decoded
from neural.monitoring.records import RecordBatch
from neural.monitoring.signal import Signal
from neural.monitoring.store import AlertRow
from neural.wire import CaptureBatch

BATCH, LABELS, TICK = 1, 2, 3
"""Kinds of journal entries: captured traffic (wire bytes), true outcomes (JSON), and "evaluate now" (JSON {"now": Unix seconds})."""


class Entry(Protocol):
    """One journal entry. ``position`` is JSON-able and handed back to ``Journal.read_from`` and ``truncate_before``."""

    @property
    def kind(self) -> int: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def position(self) -> Any: ...
    @property
    def received_at(self) -> float: ...


class Inlet(Protocol):
    """Writes an entry to the journal and hands it to ``Engine.submit``, in one order for all writers."""

    def append(self, kind: int, payload: bytes) -> object: ...


class JournalReader(Protocol):
    @property
    def fullness(self) -> float: ...
    def read_from(self, position: Any) -> Iterator[Entry]: ...
    def truncate_before(self, position: Any) -> object: ...


class PredictionSink(Protocol):
    def append(self, batch: RecordBatch) -> None: ...
    def labelled(self, model: str, version: str, times: NDArray[np.float64]) -> None: ...
    def checkpoint(self) -> Mapping[str, Any]: ...
    def restore(self, checkpoint: Mapping[str, Any]) -> None: ...
    def roll(self, now: float) -> object: ...


class Alerting(Protocol):
    def evaluate(self, signals: Sequence[Signal], now: float) -> list[AlertRow]: ...
    def acknowledged(self, model: str, version: str, now: float) -> Mapping[str, float]: ...


class Spans(Protocol):
    def emit(self, batch: CaptureBatch, decoded: Decoded) -> object: ...
