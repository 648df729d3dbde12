"""Counting rows as they come: rules broken, outliers, and the requests they came in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.quality.duplicates import MAX_COMPARED, count_duplicates, row_hashes
from neural.monitoring.quality.findings import Trouble
from neural.monitoring.quality.outliers import Bounds, outlier_bounds
from neural.monitoring.quality.rules import ColumnRules, rules_of
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.quality.tally import Field, Tally
from neural.monitoring.records import Kind, RecordBatch
from neural.monitoring.windows.reference import Reference

EXAMPLES = 3  # row ids remembered of each column and kind of trouble
MAX_COLUMNS = 2_000  # columns counted for one model: memory is bounded by it


class RowCounter:
    """Counts what the panes don't: values that break a rule, and outliers once a reference is known."""

    def __init__(self, settings: QualitySettings, schema: Mapping[str, FeatureSettings]) -> None:
        self._settings = settings
        self._rules: dict[str, ColumnRules] = {name: rules_of(feature) for name, feature in schema.items()}
        self.bounds: dict[str, Bounds] = {}
        self.reference_hash = ""
        self.examples: dict[tuple[str, Trouble], tuple[str, ...]] = {}  # ids of the newest bad rows
        self._hashes: list[NDArray[np.uint64]] = []

    def use(self, reference: Reference) -> None:
        """Count outliers against this reference from now on."""
        if reference.hash == self.reference_hash:
            return
        self.reference_hash = reference.hash
        found = {name: outlier_bounds(column, self._settings) for name, column in reference.columns.items()}
        self.bounds = {name: bounds for name, bounds in found.items() if bounds is not None}

    def count(self, batch: RecordBatch, into: Tally) -> None:
        """Add the rows to the tally, and remember some of the bad ones by their ids."""
        into.rows += len(batch)
        into.requests += 1 + int(np.count_nonzero(np.diff(batch.times))) if len(batch) else 0
        for name, column in batch.features.items():
            if name not in into.columns and len(into.columns) >= MAX_COLUMNS:
                continue
            rules, bounds = self._rules.get(name), self.bounds.get(name)
            self._remember(batch, name, Trouble.MISSING, column.missing)
            if column.invalid is not None:
                self._remember(batch, name, Trouble.INVALID, column.invalid)
            if rules:
                checked, broken = rules.broken(column)
                counts = into.of(name)
                counts[Field.RULED] += checked
                counts[Field.BROKEN] += int(np.count_nonzero(broken))
                self._remember(batch, name, Trouble.INVALID, broken)
            if bounds is not None and column.kind is Kind.NUMERIC:
                finite, outside = np.isfinite(column.values), bounds.mask(column.values) & ~np.isinf(column.values)
                counts = into.of(name)
                counts[Field.RANGED] += int(np.count_nonzero(finite))
                counts[Field.OUTLIERS] += int(np.count_nonzero(outside))
                self._remember(batch, name, Trouble.OUTLIER, outside)
        self._hash(batch)

    def _hash(self, batch: RecordBatch) -> None:
        room = MAX_COMPARED - sum(len(part) for part in self._hashes)
        if room > 0 and batch.features and len(batch):
            self._hashes.append(row_hashes(batch.features, len(batch))[:room])

    def finish(self, tally: Tally) -> None:
        """The evaluation is due: add what could only be counted over all its rows."""
        tally.duplicates, tally.compared = count_duplicates(self._hashes)
        self._hashes = []

    def _remember(self, batch: RecordBatch, name: str, trouble: Trouble, bad: NDArray[np.bool_]) -> None:
        if bad.any():
            self.examples[name, trouble] = tuple(batch.row_ids[int(at)] for at in np.flatnonzero(bad)[:EXAMPLES])
