"""Exact two-sample drift of whole tables: what ``check_drift(data)`` answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins
from neural.monitoring.drift.explain import moved_bins, moved_sentence
from neural.monitoring.drift.in_runs import both_sides, rows_in_run
from neural.monitoring.drift.ks import KolmogorovSmirnov
from neural.monitoring.drift.ks import p_value as ks_p_value
from neural.monitoring.drift.multiple import benjamini_hochberg, bonferroni
from neural.monitoring.drift.pair import CategoricalPair, NumericPair, Pair, categorical_pair
from neural.monitoring.drift.registry import METHODS
from neural.monitoring.drift.sample import Measured
from neural.monitoring.records import Column, Kind
from neural.monitoring.signal import Outcome, Verdict
from neural.monitoring.windows.columns import as_category
from neural.monitoring.windows.reference import cell_range_label
from neural.monitoring.windows.usable import usable_numbers, usable_values

NUMERIC_METHODS = ("ks", "psi", "wasserstein")
CATEGORICAL_METHODS = ("chi2", "psi")
FEWEST_VALUES = 5
NOTABLE_RUN = 2.0  # rows counted as one, from which the verdict says so


@dataclass(frozen=True)
class PreparedColumn:
    """A reference column, ready to be compared many times: sorted numbers, or counted categories.

    ``rows_in_run``: how many of its rows count as one, None where they are too few to say.
    """

    name: str
    kind: Kind
    ordered: NDArray[np.float64] | None
    words: Counter[str] | None
    missing_rate: float
    rows_in_run: float | None = None


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column compared. ``effect``: share of rows that moved, 0 to 1 (KS distance, or total variation of categories).

    ``moved``: of a drifting column, the deciles of the reference (or categories) whose share moved most.
    """

    name: str
    effect: float | None
    measured: Mapping[str, Measured]
    verdict: Verdict
    n_reference: int
    n_current: int
    rows_in_run: float = 1.0
    moved: Sequence[Mapping[str, Any]] = ()

    @property
    def drifting(self) -> bool:
        return self.verdict.outcome is Outcome.BAD

    def to_dict(self) -> dict[str, Any]:
        methods = {name: _method_dict(found) for name, found in self.measured.items()}
        return {
            "drift_score": self.effect,
            "is_drifting": self.drifting,
            "outcome": self.verdict.outcome.value,
            "p_value": self.verdict.p_value,
            "threshold": self.verdict.threshold,
            "rows_in_run": round(self.rows_in_run, 1),
            "n_reference": self.n_reference,
            "n_current": self.n_current,
            "reason": self.verdict.reason,
            "moved": [*self.moved],
            **methods,
        }


def _method_dict(found: Measured) -> dict[str, Any]:
    body: dict[str, Any] = {"statistic": found.statistic, "p_value": found.p_value}
    if found.threshold is not None:
        body["threshold"] = found.threshold
    if found.note:
        body["note"] = found.note
    return body


def prepare(columns: Mapping[str, Column], *, in_order: bool = True) -> dict[str, PreparedColumn]:
    """``in_order``: rows are in the order of time, which says how many of them count as one."""
    return {name: prepare_reference(column, in_order=in_order) for name, column in columns.items()}


def prepare_reference(column: Column, kind: Kind | None = None, *, in_order: bool = True) -> PreparedColumn:
    found = prepare_column(column, kind)
    return replace(found, rows_in_run=rows_in_run(column, found.ordered)) if in_order else found


def prepare_column(column: Column, kind: Kind | None = None) -> PreparedColumn:
    """``kind``: of the reference, where the column is to be read as that."""
    kind = kind or column.kind
    total = len(column)
    if kind is Kind.CATEGORICAL:
        values = usable_values(column).values
        words = Counter(as_category(value) for value in values.tolist() if value == value)  # noqa: PLR0124 - NaN is unequal to itself
        return PreparedColumn(column.name, kind, None, words, 1 - words.total() / total if total else 0.0)
    if column.kind is Kind.CATEGORICAL:
        numbers: NDArray[np.float64] = np.empty(0)
    else:
        numbers = np.sort(usable_numbers(column).values)
    return PreparedColumn(column.name, kind, numbers, None, 1 - len(numbers) / total if total else 0.0)


def compare(
    reference: Mapping[str, PreparedColumn],
    current: Mapping[str, Column],
    *,
    numeric: Sequence[str] = NUMERIC_METHODS,
    categorical: Sequence[str] = CATEGORICAL_METHODS,
    alpha: float = 0.05,
    smallest_effect: float = 0.1,
    correction: str = "benjamini-hochberg",
    in_order: bool = True,
) -> dict[str, ColumnDrift]:
    """Every reference column that the current data has, compared. Drift: p (corrected over columns) < alpha, and effect ≥ smallest_effect.

    ``in_order``: rows are in the order of time, and p-values take those in runs for as few as they are worth.
    """
    prepared = {name: prepare_column(current[name], column.kind) for name, column in reference.items() if name in current}
    looks = [_Look.at(reference[name], now, numeric, categorical) for name, now in prepared.items()]
    if in_order:
        looks = [_in_runs(look, reference[look.name], current[look.name], prepared[look.name], alpha) for look in looks]
    p = np.array([np.nan if look.p_value is None else look.p_value for look in looks])
    adjusted = bonferroni(p) if correction == "bonferroni" else benjamini_hochberg(p)
    return {
        look.name: _judged(look, float(q), alpha, smallest_effect, len(looks)) for look, q in zip(looks, adjusted, strict=True)
    }


@dataclass(frozen=True)
class _Look:
    name: str
    n: int
    m: int
    effect: float | None = None
    p_value: float | None = None
    measured: Mapping[str, Measured] = field(default_factory=dict[str, Measured])
    pair: Pair | None = None
    rows_in_run: float = 1.0

    @classmethod
    def at(cls, reference: PreparedColumn, now: PreparedColumn, numeric: Sequence[str], categorical: Sequence[str]) -> _Look:
        pair, names = _pair(reference, now), numeric if reference.ordered is not None else categorical
        n, m = _sizes(pair)
        if n == 0 or m == 0:
            return cls(reference.name, n, m)
        measured = {name: METHODS[name].compare(pair) for name in names}
        if isinstance(pair, CategoricalPair):
            test = measured.get("chi2") or METHODS["chi2"].compare(pair)
            effect: float | None = float(np.abs(pair.reference / n - pair.current / m).sum() / 2)
            return cls(reference.name, n, m, effect, test.p_value, measured, pair)
        found = measured.get("ks") or KolmogorovSmirnov().compare(pair)
        p = ks_p_value(np.array(found.statistic), np.array(n), np.array(m))
        return cls(reference.name, n, m, found.statistic, float(p), measured, pair)


def _in_runs(look: _Look, reference: PreparedColumn, current: Column, now: PreparedColumn, alpha: float) -> _Look:
    """Rows in runs taken for fewer: asked only where the p-value would be believed."""
    if look.pair is None or look.p_value is None or look.p_value >= alpha:
        return look
    a, b = both_sides(reference.rows_in_run, rows_in_run(current, now.ordered))
    if max(a, b) <= 1.0:
        return look
    if isinstance(look.pair, CategoricalPair):
        p = METHODS["chi2"].compare(CategoricalPair(look.pair.reference / a, look.pair.current / b)).p_value
    else:
        p = float(ks_p_value(np.array(look.effect), np.array(look.n / a), np.array(look.m / b)))
    return replace(look, p_value=p, rows_in_run=max(a, b))


def _pair(reference: PreparedColumn, now: PreparedColumn) -> Pair:
    if reference.ordered is not None:
        return NumericPair(reference.ordered, now.ordered if now.ordered is not None else np.empty(0))
    return categorical_pair(reference.words or Counter(), now.words or Counter())


def _sizes(pair: Pair) -> tuple[int, int]:
    if isinstance(pair, NumericPair):
        return len(pair.reference), len(pair.current)
    return int(pair.reference.sum()), int(pair.current.sum())


def _judged(look: _Look, p: float, alpha: float, smallest_effect: float, columns: int) -> ColumnDrift:
    verdict = _verdict(look, p, alpha, smallest_effect, columns)
    moved = _moved(look.pair) if verdict.outcome is Outcome.BAD and look.pair is not None else []
    if moved:
        verdict = replace(verdict, reason=f"{verdict.reason}; {moved_sentence(moved)}")
    return ColumnDrift(look.name, look.effect, look.measured, verdict, look.n, look.m, look.rows_in_run, moved)


def _moved(pair: Pair) -> list[dict[str, Any]]:
    if isinstance(pair, CategoricalPair):
        labels: tuple[str, ...] = pair.names
    else:
        edges = pair.coarse_edges
        labels = tuple(cell_range_label(edges, at, at) for at in range(len(edges) + 1))
    reference, current = pair.coarse
    return moved_bins(Bins(np.empty(0, dtype=np.intp), reference, labels, 0), current)


def _verdict(look: _Look, p: float, alpha: float, smallest_effect: float, columns: int) -> Verdict:
    known = None if np.isnan(p) else p
    base: dict[str, Any] = {
        "statistic": look.effect,
        "threshold": smallest_effect,
        "sample_size": look.m,
        "p_value": known,
        "effect_size": look.effect,
        "method": "two-sample",
    }
    if look.effect is None or known is None or look.m < FEWEST_VALUES:
        reason = f"{look.name}: {look.n} reference values and {look.m} now are not enough to tell"
        return Verdict(Outcome.UNKNOWN, reason, **base)
    runs = f" (rows come in runs: {look.rows_in_run:.0f} were counted as one)" if look.rows_in_run >= NOTABLE_RUN else ""
    share = f"{look.name}: {look.effect:.1%} of the rows moved{runs}"
    if known >= alpha:
        return Verdict(Outcome.OK, f"{share}, which chance explains (p = {known:.2g} over {columns} columns)", **base)
    if look.effect < smallest_effect:
        return Verdict(Outcome.OK, f"{share}, which is not chance but less than {smallest_effect:.0%}", **base)
    return Verdict(
        Outcome.BAD,
        f"{share}, more than {smallest_effect:.0%} and not by chance (p = {known:.2g} over {columns} columns)",
        **base,
    )
