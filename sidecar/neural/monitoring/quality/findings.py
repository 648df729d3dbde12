"""What is wrong with a column, as a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from neural.monitoring.quality.jump import Jump


class Trouble(StrEnum):
    """Kinds of bad values, in the words of the signals."""

    MISSING = "missing"
    OUTLIER = "outlier"
    INVALID = "invalid"
    UNSEEN = "unseen"


_WORDS = {
    Trouble.MISSING: "missing values",
    Trouble.OUTLIER: "outliers",
    Trouble.INVALID: "invalid values",
    Trouble.UNSEEN: "unseen categories",
}


@dataclass(frozen=True, slots=True)
class RateFinding:
    """A column's rate of one kind of trouble has jumped. ``since``: Unix seconds; ``examples``: values that were not
    known before. ``row_ids``: of some of the bad rows."""

    column: str
    trouble: Trouble
    jump: Jump
    over_seconds: float
    since: float
    examples: tuple[str, ...] = ()
    row_ids: tuple[str, ...] = ()

    def text(self) -> str:
        jump = self.jump
        named = f" ({', '.join(self.examples)})" if self.examples else ""
        return (
            f"{self.column}: {_WORDS[self.trouble]} in {jump.count:.0f} of {jump.n:.0f} rows ({jump.rate:.1%}{named}), "
            f"{jump.reference_rate:.1%} in the reference"
        )

    def to_json(self) -> dict[str, Any]:
        jump = self.jump
        return {
            "column": self.column,
            "kind": self.trouble.value,
            "count": jump.count,
            "rows": jump.n,
            "rate": jump.rate,
            "reference_rate": jump.reference_rate,
            "p_value": jump.p_value,
            "over_seconds": self.over_seconds,
            "since": self.since,
            "examples": list(self.examples),
            "row_ids": list(self.row_ids),
        }


def summary(findings: Iterable[RateFinding], limit: int = 3) -> str:
    """The worst findings in one sentence."""
    ranked = sorted(findings, key=lambda finding: -finding.jump.rise)
    texts = [finding.text() for finding in ranked[:limit]]
    more = f"; and {len(ranked) - limit} more" if len(ranked) > limit else ""
    return "; ".join(texts) + more
