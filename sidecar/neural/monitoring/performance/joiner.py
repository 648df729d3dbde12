"""Predictions wait for their labels here, and labels for their predictions.

Rows are kept in blocks as they came (columns, no copying); an index maps each row id to its place. Everything is bounded, by count
and by age, and what leaves unmatched is counted. A label given twice is ignored; a different label for the same row is a correction.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from neural.monitoring.performance.block import Block, block_of
from neural.monitoring.performance.labels import Label
from neural.monitoring.performance.matching import Match, labelled_batches
from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.records import LabelledBatch, RecordBatch


class LabelJoiner:
    """Joins labels to predictions by row id.

    ``observe_rows`` and ``add_labels`` both return what became matched: a label may come before its prediction. State survives a
    restart through ``snapshot`` and ``restore``. One thread at a time.
    """

    def __init__(self, settings: PerformanceSettings | None = None) -> None:
        self._settings = settings or PerformanceSettings()
        self._blocks: deque[Block] = deque()
        self._starts: list[int] = []
        self._index: dict[str, int] = {}
        self._next = 0
        self._waiting: OrderedDict[str, Label] = OrderedDict()
        self._counts: Counter[str] = Counter()

    def observe_rows(self, batch: RecordBatch) -> list[LabelledBatch]:
        """Remember the predictions of a batch; returns those whose labels were already waiting."""
        block = block_of(batch, self._next, self._settings)
        if block is None:
            self._counts["unscored"] += len(batch)
            return []
        self._blocks.append(block)
        self._starts.append(block.start)
        self._index.update(zip(block.ids, range(block.start, block.start + len(block)), strict=True))
        self._next += len(block)
        self._evict()
        if not self._waiting:
            return []
        early = [self._waiting.pop(row_id) for row_id in block.ids if row_id in self._waiting]
        return self._match(early)

    def add_labels(self, labels: Sequence[Label]) -> list[LabelledBatch]:
        """Match labels with their predictions; those without one wait, up to ``labels_within``."""
        known = [label for label in labels if label.id in self._index]
        if len(known) < len(labels):
            for label in labels:
                if label.id not in self._index:
                    self._waiting[label.id] = label
                    self._waiting.move_to_end(label.id)
            while len(self._waiting) > self._settings.max_waiting:
                self._waiting.popitem(last=False)
                self._counts["labels_evicted"] += 1
        return self._match(known)

    def _match(self, labels: Sequence[Label]) -> list[LabelledBatch]:
        matches: dict[str, Match] = {}
        for label in labels:
            block, row = self._place(label.id)
            given = block.labels.get(row)
            if given is not None and given[0] == label.label:
                self._counts["repeated"] += 1
                continue
            if label.id in matches:  # two labels for one row in one call: the last one counts
                given = matches[label.id].previous
            matches[label.id] = Match(block, row, label, given)
            block.labels[row] = (label.label, label.time)
        result, rejected = labelled_batches(list(matches.values()))
        for match in rejected:
            match.take_back()
            del matches[match.label.id]
        self._counts["rejected"] += len(rejected)
        corrected = sum(match.previous is not None for match in matches.values())
        self._counts["corrected"] += corrected
        self._counts["matched"] += len(matches) - corrected
        return result

    def _place(self, row_id: str) -> tuple[Block, int]:
        number = self._index[row_id]
        block = self._blocks[bisect_right(self._starts, number) - 1]
        return block, number - block.start

    def _evict(self) -> None:
        while len(self._blocks) > 1 and self._next - self._blocks[0].start > self._settings.max_pending:
            self._counts["evicted"] += self._drop_oldest()

    def _drop_oldest(self) -> int:
        """Forget the oldest block; returns how many of its rows had no label."""
        block = self._blocks.popleft()
        del self._starts[0]
        for number, row_id in enumerate(block.ids, start=block.start):
            if self._index.get(row_id) == number:
                del self._index[row_id]
        return len(block) - len(block.labels)

    def expire(self, now: float) -> None:
        """Forget predictions and waiting labels older than ``labels_within``. Call it at every evaluation."""
        oldest = now - self._settings.labels_within
        while self._blocks and self._blocks[0].newest < oldest:
            self._counts["expired"] += self._drop_oldest()
        while self._waiting:
            label = next(iter(self._waiting.values()))
            if label.time >= oldest:
                break
            self._waiting.popitem(last=False)
            self._counts["labels_expired"] += 1

    def stats(self) -> dict[str, float]:
        """Counts since the start, and what is held now."""
        names = (
            "matched",
            "corrected",
            "repeated",
            "rejected",
            "evicted",
            "expired",
            "unscored",
            "labels_evicted",
            "labels_expired",
        )
        held = {"pending": len(self._index), "waiting": len(self._waiting)}
        return {name: float(value) for name, value in ({name: self._counts[name] for name in names} | held).items()}

    def snapshot(self) -> Mapping[str, Any]:
        return {
            "blocks": [block.to_json() for block in self._blocks],
            "waiting": [[label.id, label.label, label.time] for label in self._waiting.values()],
            "counts": dict(self._counts),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._blocks.clear()
        self._starts.clear()
        self._index.clear()
        self._next = 0
        for item in state.get("blocks", ()):
            block = Block.from_json(item, self._next)
            self._blocks.append(block)
            self._starts.append(block.start)
            self._index.update(zip(block.ids, range(block.start, block.start + len(block)), strict=True))
            self._next += len(block)
        self._waiting = OrderedDict((item[0], Label(*item)) for item in state.get("waiting", ()))
        self._counts = Counter(state.get("counts", {}))
