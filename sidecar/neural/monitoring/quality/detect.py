"""Which rates have jumped: every column, every kind of trouble, over several looks back, with one error budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from neural.monitoring.quality.findings import RateFinding, Trouble
from neural.monitoring.quality.history import SCALES
from neural.monitoring.quality.jump import compare_rates, upper_rate
from neural.monitoring.quality.outliers import Bounds, reference_outliers
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.quality.tally import Counts, Field, Tally
from neural.monitoring.windows.reference import ColumnReference, Reference

MIN_COUNT = 4  # bad values a finding needs: fewer are an anecdote
LOOKS = len(SCALES) + 1


@dataclass(frozen=True, slots=True)
class Base:
    """What the reference says of one kind of trouble in one column: ``count`` of ``n`` values."""

    count: float
    n: float


def reference_rates(
    reference: Reference, bounds: Mapping[str, Bounds], timed: Iterable[str] = ()
) -> dict[str, dict[Trouble, Base]]:
    """By column and trouble. Features only: names that begin with @ are the model's own columns. ``timed``: columns whose values may be
    too old; of a reference's values none is."""
    rates = {
        name: _column_rates(column, bounds.get(name)) for name, column in reference.columns.items() if not name.startswith("@")
    }
    for name in timed:
        rates.setdefault(name, {})[Trouble.STALE] = Base(0.0, float(max(reference.rows, 1)))
    return rates


def _column_rates(column: ColumnReference, bounds: Bounds | None) -> dict[Trouble, Base]:
    total = float(column.total)
    rates = {
        Trouble.MISSING: Base(column.missing, total),
        Trouble.INVALID: Base(column.invalid + column.non_finite, total),
    }
    if bounds is not None:
        rates[Trouble.OUTLIER] = Base(reference_outliers(column, bounds), float(column.n))
    if column.is_categorical:
        # as many new names are to be expected as occurred once in the reference (Good 1953, after Turing)
        rates[Trouble.UNSEEN] = Base(float(column.singletons), float(column.n))
    return rates


def observed(counts: Counts, trouble: Trouble) -> tuple[float, float]:
    """Bad values and values looked at, of one kind."""
    if trouble is Trouble.MISSING:
        return float(counts[Field.MISSING]), float(counts[Field.TOTAL])
    if trouble is Trouble.INVALID:
        return float(counts[Field.INVALID] + counts[Field.BROKEN]), float(counts[Field.TOTAL])
    if trouble is Trouble.UNSEEN:
        return float(counts[Field.UNSEEN]), float(counts[Field.TOTAL] - counts[Field.MISSING] - counts[Field.INVALID])
    if trouble is Trouble.STALE:
        return float(counts[Field.STALE]), float(counts[Field.TIMED])
    return float(counts[Field.OUTLIERS]), float(counts[Field.RANGED])


def jumps(
    tally: Tally, rates: Mapping[str, Mapping[Trouble, Base]], settings: QualitySettings, since: float, now: float
) -> Iterator[RateFinding]:
    """Findings of one look. The budget is shared by all columns, kinds and looks (Bonferroni)."""
    tests = sum(len(kinds) for kinds in rates.values()) * LOOKS
    if not tests:
        return
    limit, alike = settings.error_rate / tests, tally.rows_per_request
    for name, kinds in rates.items():
        counts = tally.columns.get(name)
        if counts is None:
            continue
        for trouble, base in kinds.items():
            bad, n = observed(counts, trouble)
            if bad < MIN_COUNT or n < settings.min_rows or base.n <= 0 or bad / n - base.count / base.n < settings.min_jump:
                continue
            jump = compare_rates(bad, n, base.count, base.n, alike=alike)
            if jump.p_value <= limit:
                yield RateFinding(name, trouble, jump, over_seconds=now - since, since=since)


def has_recovered(found: RateFinding, recent: Tally, base: Base, settings: QualitySettings, worst: float) -> bool:
    """True when the newest rows show that it is over: their rate is usual again, and surely below half of the ``worst`` that was found.

    Without it an alarm would stand until the window has forgotten the incident.
    """
    counts = recent.columns.get(found.column)
    if counts is None or base.n <= 0:
        return False
    bad, n = observed(counts, found.trouble)
    usual = base.count / base.n
    if n <= 0 or bad / n - usual >= settings.min_jump:
        return False
    alike = recent.rows_per_request
    return upper_rate(bad / alike, n / alike) < (usual + worst) / 2
