"""Checks columns against reference statistics and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.quality.changes import statistical_changes
from neural.monitoring.quality.outliers import Bounds, outlier_bounds
from neural.monitoring.quality.report import QualityReport
from neural.monitoring.quality.rules import NUMBER_RULES
from neural.monitoring.quality.score import ColumnTrouble, quality_score
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.records import Column, Kind
from neural.monitoring.windows.build import build_reference
from neural.monitoring.windows.reference import ColumnReference

MAX_OUTLIER_SHARE = 0.1  # more outliers than this make a table unhealthy
MAX_INVALID_SHARE = 0.05  # more invalid values than this make a table unhealthy
MAX_WARNINGS = 100
_SCHEMA_COST = 0.1  # of the score, for each schema violation …
_MAX_SCHEMA_COST = 0.3  # … up to this much
_NUMBERS = (Kind.NUMERIC, Kind.BOOLEAN)


@dataclass(frozen=True, slots=True)
class Profile:
    """What reference rows say of one column. ``bounds``: beyond them a number is an outlier."""

    kind: Kind
    statistics: ColumnReference
    bounds: Bounds | None


@dataclass(frozen=True, slots=True)
class _Checked:
    column: Column
    n: int
    missing: int
    invalid: int
    outliers: int
    ranged: int
    limits: tuple[float, float] | None
    usual_missing: float  # share of the reference
    changes: tuple[str, ...]  # from the reference, in words


def profile_columns(columns: Mapping[str, Column], settings: QualitySettings) -> dict[str, Profile]:
    """Of each column. Bounds need some numbers and some spread."""
    reference = build_reference(columns, source="reference statistics", created_at=0.0)
    return {name: Profile(column.kind, column, outlier_bounds(column, settings)) for name, column in reference.columns.items()}


def check_columns(
    columns: Mapping[str, Column],
    reference: Mapping[str, Profile],
    types: Mapping[str, str],
    settings: QualitySettings,
    *,
    now: float,
    expected: Sequence[str] | None = None,
) -> QualityReport:
    """The report of one table. Without a reference, outliers are those beyond the table's own bounds."""
    known = reference or profile_columns(columns, settings)
    checked = {name: _check(column, known.get(name), types.get(name)) for name, column in columns.items()}
    if not reference:  # a table's own bounds know its outliers, and nothing of what is usual
        checked = {name: replace(item, usual_missing=0.0, changes=()) for name, item in checked.items()}
    rows = max((len(column) for column in columns.values()), default=0)
    violations = tuple(_violations(checked, reference, types, expected))[:MAX_WARNINGS]
    values = sum(item.n for item in checked.values())
    missing = _share(sum(item.missing for item in checked.values()), values)
    invalid = _share(sum(item.invalid for item in checked.values()), values)
    outliers = _share(sum(item.outliers for item in checked.values()), sum(item.ranged for item in checked.values()))
    score = _score(checked, settings, len(violations))
    shares = {"missing": missing, "outlying": outliers, "invalid": invalid}
    general = [*_general_warnings(rows, violations, shares, settings, score), *_lossy_columns(checked, settings)]
    reasons = (*general, *_column_warnings(checked))
    return QualityReport(
        timestamp=now,
        total_samples=rows,
        missing_values={name: item.missing for name, item in checked.items()},
        missing_rate=missing,
        outliers={name: item.outliers for name, item in checked.items()},
        outlier_rate=outliers,
        invalid_values={name: item.invalid for name, item in checked.items()},
        invalid_rate=invalid,
        schema_violations=violations,
        data_types={name: item.column.kind.value for name, item in checked.items()},
        value_ranges={name: item.limits for name, item in checked.items() if item.limits is not None},
        quality_score=score,
        is_healthy=not general,
        warnings=reasons[:MAX_WARNINGS],
    )


def _check(column: Column, profile: Profile | None, rule: str | None) -> _Checked:
    bad = np.zeros(len(column), dtype=np.bool_) if column.invalid is None else column.invalid & ~column.missing
    outliers = ranged = 0
    changes: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    if column.kind in _NUMBERS:
        present = ~column.missing & ~bad
        numbers = column.values.astype(np.float64)
        bad = bad | (present & ~np.isfinite(numbers)) | (present & _broken(numbers, rule))
        finite = numbers[present & np.isfinite(numbers)]
        limits = (float(finite.min()), float(finite.max())) if len(finite) else None
        if profile is not None and profile.bounds is not None and column.kind is Kind.NUMERIC:
            outliers, ranged = profile.bounds.count(finite), len(finite)
            changes = tuple(statistical_changes(column.name, finite, profile.statistics))
    elif rule in NUMBER_RULES:
        bad = ~column.missing  # words where numbers are due
    usual = profile.statistics.missing_rate if profile is not None else 0.0
    return _Checked(column, len(column), int(column.missing.sum()), int(bad.sum()), outliers, ranged, limits, usual, changes)


def _broken(numbers: NDArray[np.float64], rule: str | None) -> NDArray[np.bool_]:
    if rule is None or rule not in NUMBER_RULES:
        return np.zeros(len(numbers), dtype=np.bool_)
    return NUMBER_RULES[rule](numbers)


def _violations(
    checked: Mapping[str, _Checked],
    reference: Mapping[str, Profile],
    types: Mapping[str, str],
    expected: Sequence[str] | None,
) -> Iterator[str]:
    names = list(expected) if expected is not None else list(reference)
    for name in names:
        if name not in checked:
            yield f"column {name!r} is missing"
    if names:
        for name in checked:
            if name not in names:
                yield f"column {name!r} is not expected"
    for name, item in checked.items():
        wanted = _kind_wanted(name, reference, types)
        if wanted is not None and item.missing < item.n and not _fits(item.column.kind, wanted):
            yield f"column {name!r} is {item.column.kind.value}, expected {wanted.value}"


def _kind_wanted(name: str, reference: Mapping[str, Profile], types: Mapping[str, str]) -> Kind | None:
    rule = types.get(name)
    if rule in NUMBER_RULES:
        return Kind.NUMERIC
    if rule in set(Kind):
        return Kind(rule)
    profile = reference.get(name)
    return profile.kind if profile is not None and profile.statistics.n > 0 else None


def _fits(found: Kind, wanted: Kind) -> bool:
    return found is wanted or (found in _NUMBERS and wanted in _NUMBERS)


def _score(checked: Mapping[str, _Checked], settings: QualitySettings, violations: int) -> float:
    troubles = [
        ColumnTrouble(
            missing=_share(item.missing, item.n),
            invalid=_share(item.invalid, item.n),
            outliers=_share(item.outliers, item.ranged),
        )
        for item in checked.values()
        if item.n
    ]
    score = quality_score(troubles, settings.weights)
    return max((1.0 if score is None else score) - min(violations * _SCHEMA_COST, _MAX_SCHEMA_COST), 0.0)


def _general_warnings(
    rows: int, violations: Sequence[str], shares: Mapping[str, float], settings: QualitySettings, score: float
) -> list[str]:
    """Those that make the table unhealthy."""
    limits = {"missing": settings.missing_threshold, "outlying": MAX_OUTLIER_SHARE, "invalid": MAX_INVALID_SHARE}
    found = [] if rows else ["the table has no rows"]
    found += [f"schema: {text}" for text in violations]
    found += [
        f"{what} values: {share:.1%} of those checked, more than {limits[what]:.1%}"
        for what, share in shares.items()
        if share > limits[what]
    ]
    if score < settings.min_score:
        found.append(f"quality score {score:.3f} is below {settings.min_score:g}")
    return found


def _lossy_columns(checked: Mapping[str, _Checked], settings: QualitySettings) -> Iterator[str]:
    """Columns that miss more than the threshold, beyond what the reference misses too."""
    for name, item in checked.items():
        if _share(item.missing, item.n) > settings.missing_threshold + item.usual_missing:
            yield f"{name}: {item.missing} of {item.n} values are missing ({_share(item.missing, item.n):.1%})"


def _column_warnings(checked: Mapping[str, _Checked]) -> Iterator[str]:
    for name, item in checked.items():
        if _share(item.outliers, item.ranged) > MAX_OUTLIER_SHARE:
            yield f"{name}: {item.outliers} of {item.ranged} numbers are outliers ({_share(item.outliers, item.ranged):.1%})"
        yield from item.changes
        if item.invalid:
            yield f"{name}: {item.invalid} of {item.n} values are invalid ({_share(item.invalid, item.n):.1%})"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
