"""Checks columns against reference statistics and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.quality.changes import Moments, statistical_changes
from neural.monitoring.quality.detect import Base
from neural.monitoring.quality.findings import Finding, Trouble
from neural.monitoring.quality.order import first_swap
from neural.monitoring.quality.outliers import Bounds, outlier_bounds, reference_outliers
from neural.monitoring.quality.report import QualityReport
from neural.monitoring.quality.rules import rules_of
from neural.monitoring.quality.score import ColumnTrouble, quality_score
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.quality.table import (
    Bad,
    constant_finding,
    duplicates_finding,
    repeated_rows,
    schema_findings,
    unseen_rows,
    value_finding,
)
from neural.monitoring.records import Column, Kind
from neural.monitoring.windows.build import build_reference
from neural.monitoring.windows.reference import ColumnReference

MAX_OUTLIER_SHARE = 0.1  # more outliers than this make a table unhealthy
MAX_INVALID_SHARE = 0.05  # more invalid values than this make a table unhealthy
MAX_WARNINGS = 100
MAX_FINDINGS = 1_000
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
class Expected:
    """What a table is compared with. ``names``: the columns there should be, in order; None: the reference's. ``ordered``: whether the
    order of the table's columns means something. ``duplicates``: repeated rows of the reference."""

    profiles: Mapping[str, Profile] = field(default_factory=dict[str, Profile])
    schema: Mapping[str, FeatureSettings] = field(default_factory=dict[str, FeatureSettings])
    names: Sequence[str] | None = None
    ordered: bool = False
    duplicates: Base | None = None

    def kinds(self) -> dict[str, Kind | None]:
        names = list(self.names) if self.names is not None else list(self.profiles)
        return {name: self.kind(name) for name in names}

    def kind(self, name: str) -> Kind | None:
        feature, profile = self.schema.get(name), self.profiles.get(name)
        if feature is not None and feature.constraint is not None:
            return Kind.NUMERIC
        if feature is not None and feature.kind is not None:
            return feature.kind
        return profile.kind if profile is not None and profile.statistics.n > 0 else None


@dataclass(frozen=True, slots=True)
class _Checked:
    """One column: its bad values by kind, its range, what has changed from the reference, and how many values can be outliers."""

    column: Column
    bad: Mapping[Trouble, Bad]
    limits: tuple[float, float] | None
    changes: tuple[Finding, ...]

    def count(self, trouble: Trouble) -> int:
        return self.bad[trouble].count if trouble in self.bad else 0

    def share(self, trouble: Trouble) -> float:
        return _share(self.bad[trouble].count, self.bad[trouble].checked) if trouble in self.bad else 0.0


def profile_columns(columns: Mapping[str, Column], settings: QualitySettings) -> dict[str, Profile]:
    """Of each column. Bounds need some numbers and some spread."""
    reference = build_reference(columns, source="reference statistics", created_at=0.0)
    return {name: Profile(column.kind, column, outlier_bounds(column, settings)) for name, column in reference.columns.items()}


def check_columns(columns: Mapping[str, Column], expected: Expected, settings: QualitySettings, *, now: float) -> QualityReport:
    """The report of one table. Without a reference, outliers are those beyond the table's own bounds."""
    compared = bool(expected.profiles)
    profiles = expected.profiles or profile_columns(columns, settings)
    checked = {
        name: _check(column, profiles.get(name), expected.schema.get(name), compared=compared) for name, column in columns.items()
    }
    rows = max((len(column) for column in columns.values()), default=0)
    violations = list(_schema(columns, expected, rows))[:MAX_WARNINGS]
    repeated, too_many = duplicates_finding(repeated_rows(columns, rows), expected.duplicates, settings)
    shares = {trouble: _overall(checked, trouble) for trouble in Trouble}
    score = _score(checked, settings, len(violations))
    general = [*_general_warnings(rows, violations, shares, settings, score), *_lossy_columns(checked, settings)]
    jumped = _jumped(checked, settings)
    warnings = [*general, *_column_warnings(checked, jumped)]
    warnings += [repeated.text()] if repeated is not None and too_many else []
    findings = [*violations, *([repeated] if repeated is not None else []), *_value_findings(checked, jumped)]
    return QualityReport(
        timestamp=now,
        total_samples=rows,
        missing_values={name: item.count(Trouble.MISSING) for name, item in checked.items()},
        missing_rate=shares[Trouble.MISSING],
        outliers={name: item.count(Trouble.OUTLIER) for name, item in checked.items()},
        outlier_rate=shares[Trouble.OUTLIER],
        invalid_values={name: item.count(Trouble.INVALID) for name, item in checked.items()},
        invalid_rate=shares[Trouble.INVALID],
        schema_violations=tuple(finding.text() for finding in violations),
        data_types={name: item.column.kind.value for name, item in checked.items()},
        value_ranges={name: item.limits for name, item in checked.items() if item.limits is not None},
        quality_score=score,
        is_healthy=not general,
        warnings=tuple(dict.fromkeys(warnings))[:MAX_WARNINGS],
        findings=tuple(findings[:MAX_FINDINGS]),
    )


def _check(column: Column, profile: Profile | None, feature: FeatureSettings | None, *, compared: bool) -> _Checked:
    n = len(column)
    known = profile.statistics if profile is not None and compared else None
    bad: dict[Trouble, Bad] = {}
    bad[Trouble.MISSING] = Bad(Trouble.MISSING, column.missing, n, None if known is None else Base(known.missing, known.total))
    broken = _broken(column, feature)
    base = None if known is None else Base(known.invalid + known.non_finite, known.total)
    bad[Trouble.INVALID] = Bad(Trouble.INVALID, broken, n, base)
    limits, changes = None, tuple[Finding, ...]()
    if column.kind in _NUMBERS:
        numbers = column.values.astype(np.float64)
        usable = ~column.missing & ~broken & np.isfinite(numbers)
        finite = numbers[usable]
        limits = (float(finite.min()), float(finite.max())) if len(finite) else None
        if profile is not None and profile.bounds is not None and column.kind is Kind.NUMERIC:
            outside = usable & profile.bounds.mask(np.where(usable, numbers, 0.0))
            usual = None if known is None else Base(reference_outliers(known, profile.bounds), float(known.n))
            bad[Trouble.OUTLIER] = Bad(Trouble.OUTLIER, outside, len(finite), usual)
        if known is not None and profile is not None and profile.bounds is not None and column.kind is Kind.NUMERIC:
            changes = tuple(statistical_changes(column.name, Moments.of_values(finite), known))
        elif known is None:
            constant = constant_finding(column, finite)
            changes = () if constant is None else (constant,)
    elif known is not None and known.is_categorical and column.kind is Kind.CATEGORICAL:
        usual = Base(float(known.singletons), float(known.n))  # as many new names are to be expected (Good 1953, after Turing)
        bad[Trouble.UNSEEN] = Bad(Trouble.UNSEEN, unseen_rows(column, known.categories), n - int(column.missing.sum()), usual)
    return _Checked(column, bad, limits, changes)


def _broken(column: Column, feature: FeatureSettings | None) -> NDArray[np.bool_]:
    """Values of another type, infinite, or against a rule; words where numbers are due."""
    result = np.zeros(len(column), dtype=np.bool_) if column.invalid is None else column.invalid & ~column.missing
    if column.kind in _NUMBERS:
        result = result | (~column.missing & np.isinf(column.values.astype(np.float64)))
    if feature is None:
        return result
    if column.kind not in _NUMBERS and (feature.constraint is not None or feature.range is not None):
        return ~column.missing
    return result | rules_of(feature).broken(column)[1]


def _schema(columns: Mapping[str, Column], expected: Expected, rows: int) -> Iterator[Finding]:
    wanted = expected.kinds()
    named = wanted or {name: expected.kind(name) for name in expected.schema if name in columns}
    required = [name for name, feature in expected.schema.items() if feature.required]
    swap = first_swap(list(columns), list(wanted)) if expected.ordered and wanted else None
    found = schema_findings(columns, named, required=required, swap=swap, rows=rows)
    return (finding for finding in found if wanted or finding.kind != "extra_column")


def _overall(checked: Mapping[str, _Checked], trouble: Trouble) -> float:
    items = [item.bad[trouble] for item in checked.values() if trouble in item.bad]
    return _share(sum(bad.count for bad in items), sum(bad.checked for bad in items))


def _score(checked: Mapping[str, _Checked], settings: QualitySettings, violations: int) -> float:
    troubles = [
        ColumnTrouble(
            missing=item.share(Trouble.MISSING),
            invalid=item.share(Trouble.INVALID),
            unseen=item.share(Trouble.UNSEEN),
            outliers=item.share(Trouble.OUTLIER),
        )
        for item in checked.values()
        if len(item.column)
    ]
    score = quality_score(troubles, settings.weights)
    return max((1.0 if score is None else score) - min(violations * _SCHEMA_COST, _MAX_SCHEMA_COST), 0.0)


def _general_warnings(
    rows: int, violations: Sequence[Finding], shares: Mapping[Trouble, float], settings: QualitySettings, score: float
) -> list[str]:
    """Those that make the table unhealthy."""
    limits = {
        Trouble.MISSING: ("missing", settings.missing_threshold),
        Trouble.OUTLIER: ("outlying", MAX_OUTLIER_SHARE),
        Trouble.INVALID: ("invalid", MAX_INVALID_SHARE),
    }
    found = [] if rows else ["the table has no rows"]
    found += [f"schema: {finding.text()}" for finding in violations]
    found += [
        f"{what} values: {shares[trouble]:.1%} of those checked, more than {limit:.1%}"
        for trouble, (what, limit) in limits.items()
        if shares[trouble] > limit
    ]
    if score < settings.min_score:
        found.append(f"quality score {score:.3f} is below {settings.min_score:g}")
    return found


def _lossy_columns(checked: Mapping[str, _Checked], settings: QualitySettings) -> Iterator[str]:
    """Columns that miss more than the threshold, beyond what the reference misses too."""
    for name, item in checked.items():
        missing = item.bad[Trouble.MISSING]
        usual = 0.0 if missing.base is None else _share(missing.base.count, missing.base.n)
        if item.share(Trouble.MISSING) > settings.missing_threshold + usual:
            yield f"{name}: {missing.count} of {missing.checked} values are missing ({item.share(Trouble.MISSING):.1%})"


def _jumped(checked: Mapping[str, _Checked], settings: QualitySettings) -> set[tuple[str, Trouble]]:
    """Rates that rose above the reference's by more than chance: nulls, unknown names and the rest alike (Bonferroni over all)."""
    tests = sum(len(item.bad) for item in checked.values())
    return {(name, one) for name, item in checked.items() for one, bad in item.bad.items() if bad.jumped(settings, tests)}


def _value_findings(checked: Mapping[str, _Checked], jumped: set[tuple[str, Trouble]]) -> Iterator[Finding]:
    for name, item in checked.items():
        for trouble, bad in item.bad.items():
            if bad.count:
                yield value_finding(item.column, bad, jumped=(name, trouble) in jumped)
        yield from item.changes


def _column_warnings(checked: Mapping[str, _Checked], jumped: set[tuple[str, Trouble]]) -> Iterator[str]:
    for name, item in checked.items():
        if item.share(Trouble.OUTLIER) > MAX_OUTLIER_SHARE:
            outliers = item.bad[Trouble.OUTLIER]
            yield f"{name}: {outliers.count} of {outliers.checked} numbers are outliers ({item.share(Trouble.OUTLIER):.1%})"
        yield from (finding.text() for finding in item.changes)
        if item.count(Trouble.INVALID):
            share = item.share(Trouble.INVALID)
            yield f"{name}: {item.count(Trouble.INVALID)} of {len(item.column)} values are invalid ({share:.1%})"
        for trouble in (Trouble.MISSING, Trouble.UNSEEN):
            if (name, trouble) in jumped:
                yield value_finding(item.column, item.bad[trouble], jumped=True).text()


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
