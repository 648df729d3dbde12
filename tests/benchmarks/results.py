"""A line of a bench's table, and how it is printed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Result:
    """One line of the table. ``low`` and ``high`` are quartiles; ``bar`` is what the value must not exceed; ``ratio`` is a
    peer's value over ours of the same run.
    """

    case: str
    candidate: str
    unit: str
    value: float
    low: float
    high: float
    bar: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    ratio: float | None = None

    @property
    def met(self) -> bool | None:
        return None if self.bar is None else self.value <= self.bar


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """(median, lower, upper)."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return middle, low, high


def paired(mine: list[float], theirs: list[float]) -> tuple[float, float, float]:
    """Quartiles of the differences, round by round: what disturbed a round disturbed both."""
    return quartiles([one - other for one, other in zip(mine, theirs, strict=True)])


def shown(results: Iterable[Result]) -> list[Result]:
    """Prints a case's lines with the ratio to ours."""
    lines = list(results)
    ours = next((one.value for one in lines if one.candidate == "neural.capture" and one.unit.endswith("added")), None)
    for one in lines:
        if ours and one.candidate not in {"neural.capture", "bare"} and one.unit.endswith("added"):
            one.ratio = one.value / ours
        ratio = f"{one.ratio:7.2f} x" if one.ratio is not None else " " * 9
        bar = "" if one.bar is None else f"   bar {one.bar:g}: {'met' if one.met else 'MISSED'}"
        notes = f"   {one.notes}" if one.notes else ""
        spread = f"[{one.low:.2f}, {one.high:.2f}]"
        print(f"{one.case:34} {one.candidate:34} {one.value:8.2f} {one.unit:14} {spread:20} {ratio}{bar}{notes}", flush=True)
    return lines


def written(results: list[Result], path: str | None) -> None:
    if path:
        table = [{**asdict(result), "met": result.met} for result in results]
        Path(path).write_text(json.dumps(table, indent=2, ensure_ascii=False), encoding="utf-8")
