"""Running totals of where values fell, by column and bin: counters that Prometheus adds up over pods.

From them and the shares the reference expects, the rules in ``config/prometheus/fleet.yaml`` compute one PSI for a whole fleet,
and find the pod that differs from it. Bins are few, so that the number of series stays bounded whatever the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.psi import ADDED
from neural.monitoring.drift.sample import coarse_groups
from neural.monitoring.export.family import Family, Labels
from neural.monitoring.records import LATENCY
from neural.monitoring.signal import Signal, SignalSpec
from neural.monitoring.windows import ColumnReference, Evaluation, Reference

OWN_CATEGORIES = 10
"""The reference's most frequent categories have a bin each, as numbers have ten; the other known ones share one, unknown ones another."""
BINS_AT_MOST = OWN_CATEGORIES + 2
"""Bins of a column: two series each, so a column costs at most 24."""
_First = tuple[str, str, str]  # model, version, reference


@dataclass(frozen=True, slots=True)
class BinCounts:
    """One column: what the reference expects of each bin (a share, smoothed as PSI is), and the values counted so far."""

    expected: tuple[float, ...]
    counts: tuple[float, ...]


class BinTotals:
    """Counts by model version, reference, column and bin. Has the shape of a monitor, so it sees every row once and survives restarts.

    ``max_columns`` bounds all model versions together: the first ones have their series, ``left_out`` says how many have not.
    Written by the engine thread, read by any: values are replaced, never changed.
    """

    name = "fleet"
    specs: tuple[SignalSpec, ...] = ()

    def __init__(self, max_columns: int = 100) -> None:
        self._max_columns = max_columns
        self._columns: dict[_First, dict[str, BinCounts]] = {}
        self._groups: dict[tuple[str, str], NDArray[np.intp]] = {}  # (reference, column) → bin of each cell
        self._left_out: dict[_First, int] = {}
        self._labels: dict[tuple[str, ...], list[Labels]] = {}  # of the scraping threads: at worst one makes a column's twice

    @property
    def left_out(self) -> int:
        """Columns without series."""
        return sum(dict(self._left_out).values())

    def columns(self) -> dict[_First, dict[str, BinCounts]]:
        return dict(self._columns)

    def evaluate(self, evaluation: Evaluation) -> Iterable[Signal]:
        """Count what came in since the last evaluation. No signals: totals are exported, not judged."""
        reference = evaluation.reference
        if reference is not None and self._max_columns:
            first = (evaluation.model, evaluation.version, reference.hash)
            if first not in self._columns:
                self._begin(first, reference)
            self._columns[first] = {
                name: self._added(first[2], name, held, evaluation) for name, held in self._columns[first].items()
            }
        return ()

    def _begin(self, first: _First, reference: Reference) -> None:
        """A new reference has other bins: the series of the old one end."""
        for old in [key for key in self._columns if key[:2] == first[:2]]:
            del self._columns[old]
            self._left_out.pop(old, None)
            self._groups = {key: group for key, group in self._groups.items() if key[0] != old[2]}
        room = self._max_columns - sum(len(held) for held in self._columns.values())
        usable = [column for column in reference.columns.values() if column.n and len(column.counts) and column.name != LATENCY]
        self._columns[first] = {column.name: _empty(column) for column in usable[:room]}
        self._left_out[first] = len(usable) - len(self._columns[first])

    def _added(self, reference: str, name: str, held: BinCounts, evaluation: Evaluation) -> BinCounts:
        pane = evaluation.latest.columns.get(name)
        if pane is None or not pane.n or not len(pane.counts):
            return held
        group = self._groups.get((reference, name))
        if group is None:
            assert evaluation.reference is not None
            group = self._groups[reference, name] = _group(evaluation.reference.columns[name])
        new = np.bincount(group, weights=pane.counts, minlength=len(held.counts))
        return BinCounts(held.expected, tuple((np.array(held.counts) + new).tolist()))

    def snapshot(self) -> Mapping[str, Any]:
        """JSON-able."""
        held = [
            [*first, {name: [one.expected, one.counts] for name, one in found.items()}] for first, found in self._columns.items()
        ]
        return {"columns": held, "left_out": [[*first, count] for first, count in self._left_out.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._columns = {
            (model, version, reference): {
                name: BinCounts(tuple(expected), tuple(counts)) for name, (expected, counts) in found.items()
            }
            for model, version, reference, found in state["columns"]
        }
        self._left_out = {(model, version, reference): count for model, version, reference, count in state["left_out"]}

    def add_to(self, families: Mapping[str, Family]) -> None:
        """Two lines a bin: counted, and expected."""
        families["neural_fleet_columns_left_out"].add(self.left_out)
        counted, expected = families["neural_feature_bin_total"], families["neural_feature_bin_expected_ratio"]
        for first, found in self.columns().items():
            for name, one in found.items():
                labels = self._labels_of((*first, name), len(one.counts), counted.spec.labels)
                counted.extend(labels, one.counts)
                expected.extend(labels, one.expected)

    def _labels_of(self, values: tuple[str, ...], bins: int, names: tuple[str, ...]) -> list[Labels]:
        """The labels of a column's bins, made once: they are most of what a scrape would allocate."""
        found = self._labels.get(values)
        if found is None or len(found) != bins:
            if len(self._labels) > 2 * self._max_columns:  # references come and go
                self._labels.clear()
            found = [tuple(zip(names, (*values, f"{at:02}"), strict=True)) for at in range(bins)]
            self._labels[values] = found
        return found


@dataclass(frozen=True, slots=True)
class SLOTotals:
    """Good and total events of every objective, for a fleet-wide error budget. ``read``: (model, objective) → (good, total)."""

    read: Callable[[], Mapping[tuple[str, str], tuple[float, float]]]

    def add_to(self, families: Mapping[str, Family]) -> None:
        for (model, slo), (good, total) in self.read().items():
            families["neural_slo_good_events_total"].add(good, model, slo)
            families["neural_slo_events_total"].add(total, model, slo)


def _empty(column: ColumnReference) -> BinCounts:
    group = _group(column)
    held = np.bincount(group, weights=column.counts) + ADDED
    expected = held / held.sum()
    return BinCounts(tuple(expected.tolist()), (0.0,) * len(expected))


def _group(column: ColumnReference) -> NDArray[np.intp]:
    """The bin of each cell: deciles of the reference, or its most frequent categories, the other known ones, the unknown ones."""
    if not column.is_categorical:
        return coarse_groups(column.counts.astype(np.float64), np.zeros(1, dtype=np.intp))[0]
    known = len(column.labels)
    own = np.argsort(-column.counts[:known], kind="stable")[:OWN_CATEGORIES]
    group = np.full(known + 2, len(own), dtype=np.intp)
    group[own] = np.arange(len(own))
    group[-1] = len(own) + 1
    return group
