"""Findings of one table: each column's bad values, the schema, repeated rows and what has changed since the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.quality.changes import MIN_VALUES
from neural.monitoring.quality.detect import Base
from neural.monitoring.quality.duplicates import Duplicates, find_duplicates, row_hashes
from neural.monitoring.quality.examples import redacted
from neural.monitoring.quality.findings import WORDS, Finding, Trouble
from neural.monitoring.quality.jump import compare_rates
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.records import Column, Kind

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Bad:
    """Bad values of one kind in one column: which of the rows (n,), how many were looked at, and what the reference has of it."""

    trouble: Trouble
    rows: NDArray[np.bool_]
    checked: int
    base: Base | None = None

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.rows))

    def jumped(self, settings: QualitySettings, tests: int) -> bool:
        """By more than chance, and by enough to matter."""
        if self.base is None or self.base.n <= 0 or self.checked < settings.min_rows:
            return False
        jump = compare_rates(self.count, self.checked, self.base.count, self.base.n)
        return jump.rise >= settings.min_jump and jump.p_value <= settings.error_rate / max(tests, 1)


def value_finding(column: Column, bad: Bad, *, jumped: bool) -> Finding:
    rows = np.flatnonzero(bad.rows)[:EXAMPLES].tolist()
    share = bad.count / bad.checked if bad.checked else 0.0
    usual = None if bad.base is None or bad.base.n <= 0 else bad.base.count / bad.base.n
    beside = "" if usual is None else f", {usual:.1%} in the reference"
    return Finding(
        column.name,
        bad.trouble.value,
        bad.count,
        bad.checked,
        f"{column.name}: {WORDS[bad.trouble]} in {bad.count} of {bad.checked} rows ({share:.1%}){beside}",
        examples=tuple(dict.fromkeys(_shown(column, at, bad.trouble) for at in rows)),
        row_ids=tuple(str(at) for at in rows),
        more={"reference_rate": usual, "jumped": jumped},
    )


def _shown(column: Column, at: int, trouble: Trouble) -> str:
    if trouble is Trouble.INVALID and column.invalid is not None and column.invalid[at]:
        return f"not {column.kind.value}"
    return redacted(None if column.missing[at] else column.values[at], column.kind)


def unseen_rows(column: Column, known: Mapping[str, int]) -> NDArray[np.bool_]:
    """Rows whose category the reference does not know."""
    words: list[Any] = column.values.tolist()
    strange = {word for word in set(words) if word is not None and str(word) not in known}
    return np.array([word in strange for word in words], dtype=np.bool_)


def repeated_rows(columns: Mapping[str, Column], rows: int) -> Duplicates:
    return find_duplicates([row_hashes(columns, rows)]) if columns and rows else Duplicates()


def duplicates_finding(found: Duplicates, base: Base | None, settings: QualitySettings) -> tuple[Finding | None, bool]:
    """The finding, if rows are repeated, and whether there are too many of them: more than allowed, else than in the reference."""
    if not found.count:
        return None, False
    share = found.count / found.compared
    if settings.max_duplicates is not None:
        too_many = share > settings.max_duplicates
    else:
        too_many = Bad(Trouble.MISSING, np.ones(found.count, dtype=np.bool_), found.compared, base).jumped(settings, 1)
    usual = f", {base.count / base.n:.1%} in the reference" if base is not None and base.n > 0 else ""
    reason = f"{found.count} of {found.compared} rows repeat another in every column ({share:.1%}{usual})"
    ids = tuple(str(at) for at in found.rows)
    return Finding("", "duplicate_rows", found.count, found.compared, reason, row_ids=ids), too_many


def constant_finding(column: Column, finite: NDArray[np.float64]) -> Finding | None:
    """Without a reference: a column of at least ``MIN_VALUES`` numbers that are all equal."""
    if column.kind is not Kind.NUMERIC or len(finite) < MIN_VALUES or float(finite.min()) != float(finite.max()):
        return None
    value = f"{finite[0]:.6g}"
    return Finding(column.name, "constant", len(finite), len(column), f"{column.name}: all values are {value}", examples=(value,))


def schema_findings(
    columns: Mapping[str, Column],
    wanted: Mapping[str, Kind | None],
    *,
    required: Sequence[str],
    swap: tuple[str, str] | None,
    rows: int,
) -> Iterator[Finding]:
    """``wanted``: expected columns and their kinds, empty: none are. ``swap``: the first column out of place."""
    for name in wanted:
        if name not in columns:
            yield Finding(name, "missing_column", rows, rows, f"column {name!r} is missing", examples=("absent",))
    for name, column in columns.items():
        if wanted and name not in wanted:
            kind = column.kind.value
            yield Finding(name, "extra_column", rows, rows, f"column {name!r} is not expected", examples=(kind,))
    for name, due in wanted.items():
        found = columns.get(name)
        if found is not None and due is not None and not found.missing.all() and not _fits(found.kind, due):
            usable = int((~found.missing).sum())
            reason = f"column {name!r} is {found.kind.value}, expected {due.value}"
            yield Finding(name, "retyped_column", usable, rows, reason, examples=(found.kind.value,))
    for name in required:
        gone = int(columns[name].missing.sum()) if name in columns else 0
        if gone:
            yield Finding(
                name, "required_value", gone, rows, f"required column {name!r} is missing in {gone} rows", examples=("null",)
            )
    if swap is not None:
        reason = f"columns are in another order than expected: {swap[0]!r} stands where {swap[1]!r} is due"
        yield Finding(swap[0], "reordered_columns", rows, rows, reason, examples=(f"{swap[0]}, not {swap[1]}",))


def _fits(found: Kind, wanted: Kind) -> bool:
    numbers = (Kind.NUMERIC, Kind.BOOLEAN)
    return found is wanted or (found in numbers and wanted in numbers)
