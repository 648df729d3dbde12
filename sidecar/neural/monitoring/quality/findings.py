"""What is wrong with a column, as a value. Every finding says which column, how many values, what share, an example, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from neural.monitoring.quality.jump import Jump


class Trouble(StrEnum):
    """Kinds of bad values, in the words of the signals."""

    MISSING = "missing"
    OUTLIER = "outlier"
    INVALID = "invalid"
    UNSEEN = "unseen"
    STALE = "stale"


WORDS = {
    Trouble.MISSING: "missing values",
    Trouble.OUTLIER: "outliers",
    Trouble.INVALID: "invalid values",
    Trouble.UNSEEN: "unseen categories",
    Trouble.STALE: "values older than allowed",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """``count`` of ``rows`` values or rows are concerned. ``kind``: missing_column, extra_column, retyped_column, reordered_columns,
    required_value, stuck, duplicate_rows, shifted_mean …, or one of ``Trouble``. ``examples`` are redacted; ``row_ids``: of some rows.
    ``first_seen``: Unix seconds, None where the data has no times.
    """

    column: str
    kind: str
    count: float
    rows: float
    reason: str
    first_seen: float | None = None
    examples: tuple[str, ...] = ()
    row_ids: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def rate(self) -> float:
        return self.count / self.rows if self.rows > 0 else 0.0

    @property
    def key(self) -> tuple[str, str]:
        return self.column, self.kind

    def text(self) -> str:
        return self.reason

    def to_json(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "kind": self.kind,
            "count": self.count,
            "rows": self.rows,
            "rate": self.rate,
            "text": self.reason,
            "first_seen": self.first_seen,
            "example": self.examples[0] if self.examples else None,
            "examples": list(self.examples),
            "row_ids": list(self.row_ids),
            **self.more,
        }


@dataclass(frozen=True, slots=True)
class RateFinding:
    """A column's rate of one kind of trouble has jumped. ``since``: when the look that shows it began; ``first_seen``: when the first bad
    row of it came (Unix seconds)."""

    column: str
    trouble: Trouble
    jump: Jump
    over_seconds: float
    since: float
    first_seen: float | None = None
    examples: tuple[str, ...] = ()
    row_ids: tuple[str, ...] = ()

    def text(self) -> str:
        jump = self.jump
        named = f" ({', '.join(self.examples)})" if self.examples and self.trouble is Trouble.UNSEEN else ""
        return (
            f"{self.column}: {WORDS[self.trouble]} in {jump.count:.0f} of {jump.n:.0f} rows ({jump.rate:.1%}{named}), "
            f"{jump.reference_rate:.1%} in the reference"
        )

    def to_json(self) -> dict[str, Any]:
        jump = self.jump
        more = {
            "reference_rate": jump.reference_rate,
            "p_value": jump.p_value,
            "over_seconds": self.over_seconds,
            "since": self.since,
        }
        first = self.since if self.first_seen is None else self.first_seen
        return Finding(
            self.column, self.trouble.value, jump.count, jump.n, self.text(), first, self.examples, self.row_ids, more
        ).to_json()


def summary(findings: Iterable[RateFinding], limit: int = 3) -> str:
    """The worst findings in one sentence."""
    ranked = sorted(findings, key=lambda finding: -finding.jump.rise)
    texts = [finding.text() for finding in ranked[:limit]]
    more = f"; and {len(ranked) - limit} more" if len(ranked) > limit else ""
    return "; ".join(texts) + more
