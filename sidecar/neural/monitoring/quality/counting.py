"""Counting rows as they come: rules broken, outliers, times too old, the order of the columns, and the requests they came in."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.quality.ages import ages_seconds
from neural.monitoring.quality.duplicates import MAX_COMPARED, find_duplicates, row_hashes
from neural.monitoring.quality.examples import redacted
from neural.monitoring.quality.findings import Trouble
from neural.monitoring.quality.order import ColumnOrder
from neural.monitoring.quality.outliers import Bounds, outlier_bounds
from neural.monitoring.quality.rules import ColumnRules, rules_of
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.quality.tally import Field, Tally
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.windows.reference import Reference

EXAMPLES = 3  # bad rows remembered of each column and kind of trouble
MAX_COLUMNS = 2_000  # columns counted for one model: memory is bounded by it


@dataclass(frozen=True, slots=True)
class Examples:
    """Some of the newest bad rows: their ids, and their values, redacted."""

    row_ids: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


class RowCounter:
    """Counts what the panes don't: values that break a rule, and outliers and unknown names once a reference is known."""

    def __init__(self, settings: QualitySettings, schema: Mapping[str, FeatureSettings]) -> None:
        self._settings = settings
        self._rules: dict[str, ColumnRules] = {name: rules_of(feature) for name, feature in schema.items()}
        self.max_ages = {name: feature.max_age for name, feature in schema.items() if feature.max_age is not None}
        self.bounds: dict[str, Bounds] = {}
        self._categories: dict[str, frozenset[str]] = {}
        self._numbers: frozenset[str] = frozenset()
        self.order = ColumnOrder()
        self.reference_hash = self._known_hash = ""
        self.examples: dict[tuple[str, Trouble], Examples] = {}
        self.duplicates = Examples()
        self.newest: float | None = None  # time of the newest row
        self._hashes: list[NDArray[np.uint64]] = []
        self._ids: list[Sequence[str]] = []

    def use(self, reference: Reference) -> None:
        """Count against this reference from now on."""
        if self._known_hash != reference.hash:  # also after a restart: category names are not kept in a checkpoint
            self._know(reference)
        if reference.hash == self.reference_hash:
            return
        self.reference_hash = reference.hash
        columns = {
            name: one for name, one in reference.columns.items() if name not in self.max_ages
        }  # time goes on: it is never far
        found = {name: outlier_bounds(column, self._settings) for name, column in columns.items()}
        self.bounds = {name: bounds for name, bounds in found.items() if bounds is not None}

    def _know(self, reference: Reference) -> None:
        self._known_hash = reference.hash
        self._categories = {name: frozenset(one.categories) for name, one in reference.columns.items() if one.is_categorical}
        self._numbers = frozenset(name for name, one in reference.columns.items() if one.kind in (Kind.NUMERIC, Kind.BOOLEAN))
        self.order = ColumnOrder(reference.feature_names)

    def count(self, batch: RecordBatch, into: Tally) -> None:
        """Add the rows to the tally, and remember some of the bad ones by their ids."""
        if not len(batch):
            return
        into.rows += len(batch)
        into.requests += 1 + int(np.count_nonzero(np.diff(batch.times)))
        self._see_time(batch.times)
        self.order.count(batch, into)
        for name, column in batch.features.items():
            if name not in into.columns and len(into.columns) >= MAX_COLUMNS:
                continue
            self._count_column(batch, name, column, into)
        self._hash(batch)

    def _count_column(self, batch: RecordBatch, name: str, column: Column, into: Tally) -> None:
        rules, bounds, max_age = self._rules.get(name), self.bounds.get(name), self.max_ages.get(name)
        self._remember(batch, column, Trouble.MISSING, column.missing, into)
        if column.invalid is not None:
            self._remember(batch, column, Trouble.INVALID, column.invalid, into)
        if rules:
            checked, broken = rules.broken(column)
            counts = into.of(name)
            counts[Field.RULED] += checked
            counts[Field.BROKEN] += int(np.count_nonzero(broken))
            self._remember(batch, column, Trouble.INVALID, broken, into)
        if bounds is not None and column.kind is Kind.NUMERIC:
            finite, outside = np.isfinite(column.values), bounds.mask(column.values) & ~np.isinf(column.values)
            counts = into.of(name)
            counts[Field.RANGED] += int(np.count_nonzero(finite))
            counts[Field.OUTLIERS] += int(np.count_nonzero(outside))
            self._remember(batch, column, Trouble.OUTLIER, outside, into)
        if max_age is not None:
            ages = ages_seconds(column, batch.times)
            counts = into.of(name)
            counts[Field.TIMED] += int(np.count_nonzero(~np.isnan(ages)))
            counts[Field.STALE] += int(np.count_nonzero(ages > max_age))
            self._remember(batch, column, Trouble.STALE, ages > max_age, into)
        if column.kind is Kind.CATEGORICAL:
            if name in self._categories:
                self._remember_unknown(batch, column, self._categories[name], into)
            elif name in self._numbers:  # the panes count the words among its numbers as invalid
                words = np.array([word is not None and not _is_number(word) for word in column.values.tolist()])
                self._remember(batch, column, Trouble.INVALID, words, into)

    def _remember_unknown(self, batch: RecordBatch, column: Column, known: frozenset[str], into: Tally) -> None:
        words = column.values.tolist()
        strange = {word for word in set(words) if word is not None and str(word) not in known}
        if strange:
            self._remember(batch, column, Trouble.UNSEEN, np.array([word in strange for word in words]), into)

    def _see_time(self, times: NDArray[np.float64]) -> None:
        known = times[np.isfinite(times)]
        if len(known):
            self.newest = max(float(known.max()), self.newest or 0.0)

    def _hash(self, batch: RecordBatch) -> None:
        room = MAX_COMPARED - sum(len(part) for part in self._hashes)
        if room > 0 and batch.features:
            self._hashes.append(row_hashes(batch.features, len(batch))[:room])
            self._ids.append(batch.row_ids)

    def finish(self, tally: Tally) -> None:
        """The evaluation is due: add what could only be counted over all its rows."""
        found = find_duplicates(self._hashes)
        tally.duplicates, tally.compared = found.count, found.compared
        if found.rows:
            ids: list[str] = []
            for part, mine in zip(self._hashes, self._ids, strict=True):
                ids.extend(islice(mine, len(part)))
            self.duplicates = Examples(tuple(ids[at] for at in found.rows))
        self._hashes, self._ids = [], []

    def waiting(self) -> dict[str, Any]:
        """What ``finish`` would look at, as JSON: a checkpoint may fall between two evaluations."""
        hashes = np.concatenate(self._hashes) if self._hashes else np.empty(0, dtype=np.uint64)
        ids = [one for part, mine in zip(self._hashes, self._ids, strict=True) for one in islice(mine, len(part))]
        return {
            "hashes": b64encode(hashes.astype("<u8").tobytes()).decode(),
            "ids": ids,
            "repeated": list(self.duplicates.row_ids),
        }

    def resume(self, item: Mapping[str, Any]) -> None:
        """Go on from ``waiting``."""
        hashes = np.frombuffer(b64decode(item.get("hashes", "")), dtype="<u8").astype(np.uint64)
        self._hashes, self._ids = ([hashes], [item["ids"]]) if len(hashes) else ([], [])
        self.duplicates = Examples(tuple(item.get("repeated", ())))

    def _remember(self, batch: RecordBatch, column: Column, trouble: Trouble, bad: NDArray[np.bool_], into: Tally) -> None:
        if not bad.any():
            return
        rows = np.flatnonzero(bad)
        times = batch.times[rows]
        first = float(np.nanmin(times)) if np.isfinite(times).any() else None
        if first is not None:
            key = (column.name, trouble.value)
            into.first[key] = min(first, into.first.get(key, first))
        chosen = [int(at) for at in rows[:EXAMPLES]]
        values = tuple(dict.fromkeys(_shown(column, at, trouble) for at in chosen))
        self.examples[column.name, trouble] = Examples(tuple(batch.row_ids[at] for at in chosen), values)


def _is_number(word: object) -> bool:
    try:
        float(str(word))
    except ValueError:
        return False
    return True


def _shown(column: Column, at: int, trouble: Trouble) -> str:
    """A value of another type than its column's is not kept: that it is none must do. Words among numbers are, by their shape."""
    if trouble is Trouble.INVALID and column.invalid is not None and column.invalid[at]:
        return f"not {column.kind.value}"
    value = None if column.missing[at] else column.values[at]
    return redacted(value, column.kind)
