"""Predictions wait for their labels here, and labels for their predictions.

Everything is bounded, by count and by age, and what leaves unmatched is counted. A label given twice is ignored; a different label for the
same row is a correction.
"""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from neural.monitoring.performance.labels import Label, class_name, same_label
from neural.monitoring.performance.matching import Match, labelled_batches
from neural.monitoring.performance.pending import Pending
from neural.monitoring.performance.rows import Expect, rows_of
from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.records import LabelledBatch, RecordBatch

_COUNTS = (
    "matched", "corrected", "repeated", "rejected", "evicted", "expired", "unscored", "too_late", "labels_evicted", "labels_expired",
)  # fmt: skip


class LabelJoiner:
    """Joins labels to predictions by row id.

    ``observe_rows`` and ``add_labels`` both return what became matched: a label may come before its prediction. State survives a
    restart through ``snapshot`` and ``restore``. ``expect``: errors to expect of regressions, kept with the rows until their labels come.
    One thread at a time.
    """

    def __init__(self, settings: PerformanceSettings | None = None, expect: Expect | None = None) -> None:
        self._settings, self._expect = settings or PerformanceSettings(), expect
        self._pending = Pending(self._settings.max_pending, secrets.randbits(64))
        self._waiting: OrderedDict[str, Label] = OrderedDict()
        self._counts: Counter[str] = Counter()

    def observe_rows(self, batch: RecordBatch) -> list[LabelledBatch]:
        """Remember the predictions of a batch; returns those whose labels were already waiting."""
        rows = rows_of(batch, self._settings, self._expect)
        if rows is None:
            self._counts["unscored"] += len(batch)
            return []
        self._counts["evicted"] += self._pending.add(rows)
        if not self._waiting:
            return []
        early = [self._waiting.pop(row_id) for row_id in dict.fromkeys(rows.ids) if row_id in self._waiting]
        return self._match(early) if early else []

    def add_labels(self, labels: Sequence[Label]) -> list[LabelledBatch]:
        """Match labels with their predictions; those without one wait, up to ``labels_within``."""
        return self._match(labels) if labels else []

    def _match(self, labels: Sequence[Label]) -> list[LabelledBatch]:
        matches: dict[str, Match] = {}
        for label, place in zip(labels, self._pending.find([label.id for label in labels]), strict=True):
            if place is None:
                self._wait(label)
                continue
            block, row = place
            if label.time - block.times[row] > self._settings.labels_within:
                self._counts["too_late"] += 1
                continue
            given = block.label(row)
            if given is not None and same_label(given[0], label.label, regression=block.layout.regression):
                self._counts["repeated"] += 1
                continue
            if label.id in matches:  # two labels for one row in one call: the last one counts
                given = matches[label.id].previous
            matches[label.id] = Match(block, row, label, given)
            block.set_label(row, (label.label, label.time))
        return self._batches(matches)

    def _batches(self, matches: dict[str, Match]) -> list[LabelledBatch]:
        result, rejected = labelled_batches(list(matches.values()), self._settings.segments)
        for match in rejected:
            match.take_back()
            del matches[match.label.id]
        corrected = sum(match.previous is not None for match in matches.values())
        self._counts["rejected"] += len(rejected)
        self._counts["corrected"] += corrected
        self._counts["matched"] += len(matches) - corrected
        return result

    def _wait(self, label: Label) -> None:
        self._waiting[label.id] = label
        self._waiting.move_to_end(label.id)
        while len(self._waiting) > self._settings.max_waiting:
            self._waiting.popitem(last=False)
            self._counts["labels_evicted"] += 1

    def labels_of(self, ids: Sequence[str]) -> list[str | None]:
        """The labels known by now of rows that are still held, each in the one spelling of its class; None where there is none."""
        places = self._pending.find(ids) if self._pending.any_labelled else [None] * len(ids)
        given = [None if place is None else place[0].label(place[1]) for place in places]
        return [None if one is None else class_name(one[0]) for one in given]

    def expire(self, now: float) -> None:
        """Forget predictions (block-wise) and waiting labels older than ``labels_within``. Call it at every evaluation."""
        oldest = now - self._settings.labels_within
        self._counts["expired"] += self._pending.expire(oldest)
        while self._waiting and next(iter(self._waiting.values())).time < oldest:
            self._waiting.popitem(last=False)
            self._counts["labels_expired"] += 1

    def stats(self) -> dict[str, float]:
        """Counts since the start, and what is held now."""
        counts = {name: float(self._counts[name]) for name in _COUNTS}
        return counts | {"pending": float(len(self._pending)), "waiting": float(len(self._waiting))}

    def snapshot(self) -> Mapping[str, Any]:
        return {
            "pending": self._pending.to_json(),
            "waiting": [[label.id, label.label, label.time] for label in self._waiting.values()],
            "counts": dict(self._counts),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        if "pending" in state:
            self._pending = Pending.from_json(state["pending"], self._settings.max_pending)
        self._waiting = OrderedDict((item[0], Label(*item)) for item in state.get("waiting", ()))
        self._counts = Counter(state.get("counts", {}))
