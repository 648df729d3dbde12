"""Which events are good: one function for each kind of objective, on whole batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import LabelledBatch, TrafficBatch
from neural.monitoring.slo.settings import SLOSettings, SLOType

SlotCount = tuple[int, float, float]
"""(slot number, good, total)"""

FROM_TRAFFIC = frozenset({SLOType.AVAILABILITY, SLOType.ERROR_RATE, SLOType.LATENCY})


def slots_of(times: NDArray[np.float64], slot_seconds: float, now: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(distinct slot numbers, index of each time's slot among them). Times from the future, or not finite, count as now."""
    sane = np.clip(np.where(np.isfinite(times), times, now), 0.0, now)
    if len(sane):
        first, last = sane.min() // slot_seconds, sane.max() // slot_seconds
        if first == last:  # most batches lie in one slot
            return np.array([int(first)]), np.zeros(len(sane), dtype=np.int64)
    unique, inverse = np.unique(np.floor_divide(sane, slot_seconds).astype(np.int64), return_inverse=True)
    return unique, inverse.reshape(-1)


class TrafficSlots:
    """A batch of requests by slot, shared by every objective that counts requests."""

    def __init__(self, batch: TrafficBatch, slot_seconds: float, now: float) -> None:
        self._batch = batch
        self._weights = np.where(np.isfinite(batch.weights), batch.weights, 1.0)
        self._slots, self._index = slots_of(batch.times, slot_seconds, now)
        self._known: dict[float | None, list[SlotCount]] = {}

    def counts(self, settings: SLOSettings) -> list[SlotCount]:
        """Availability, error rate: good is what the server didn't fail. Latency: of those answered, the ones in time."""
        limit = settings.limit if settings.type is SLOType.LATENCY else None
        if limit not in self._known:
            answered = np.where(self._batch.failed, 0.0, self._weights)
            if limit is None:
                good, total = answered, self._weights
            else:
                good, total = answered * (self._batch.latency_seconds <= limit), answered
            self._known[limit] = list(_per_slot(self._slots, self._index, good, total))
        return self._known[limit]

    def requests(self) -> Iterator[tuple[int, float]]:
        """(slot number, requests)"""
        for slot, _, total in _per_slot(self._slots, self._index, self._weights, self._weights):
            yield slot, total


def label_counts(settings: SLOSettings, batch: LabelledBatch, slot_seconds: float, now: float) -> Iterator[SlotCount]:
    """Labelled predictions per slot of the label's arrival. A corrected label takes back what the earlier one had counted."""
    right = _right(batch.predictions, batch.labels, settings.threshold)
    good, total = right.astype(np.float64), np.ones(len(batch))
    if batch.corrected is not None and batch.previous_labels is not None:
        before = _right(batch.predictions, batch.previous_labels, settings.threshold)
        good = good - np.where(batch.corrected, before, 0.0)
        total = np.where(batch.corrected, 0.0, total)
    slots, index = slots_of(batch.label_times, slot_seconds, now)
    yield from _per_slot(slots, index, good, total)


def _right(predictions: NDArray[Any], labels: NDArray[Any], tolerance: float | None) -> NDArray[np.bool_]:
    if predictions.dtype.kind == "f" and labels.dtype.kind == "f":
        gap = np.abs(predictions.astype(np.float64) - labels.astype(np.float64))
        return np.asarray(gap <= (tolerance or 0.0))
    pairs = zip(predictions.tolist(), labels.tolist(), strict=True)
    return np.fromiter((a == b for a, b in pairs), dtype=np.bool_, count=len(labels))


def _per_slot(
    slots: NDArray[np.int64], index: NDArray[np.int64], good: NDArray[np.float64], total: NDArray[np.float64]
) -> Iterator[SlotCount]:
    goods = np.bincount(index, weights=good, minlength=len(slots))
    totals = np.bincount(index, weights=total, minlength=len(slots))
    for slot, one_good, one_total in zip(slots.tolist(), goods.tolist(), totals.tolist(), strict=True):
        if one_good or one_total:
            yield slot, one_good, one_total
