"""How the stream is cut into panes and windows, and where the reference comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from neural.monitoring.section import Duration, Section, parse_duration_seconds
from neural.monitoring.windows.seasons import HOURS, Seasonal

MAX_PANES = 120
"""Panes a window is made of, at most: a shorter ``pane`` is widened, so that memory depends on features only."""

_ROWS = re.compile(r"\s*([\d_,]+)\s*(?:rows?)?\s*")


@dataclass(frozen=True, slots=True)
class LearnFor:
    """How long a reference is learnt: until ``rows`` rows were seen, or for ``seconds``. Exactly one is set."""

    rows: int | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        return f"{self.rows} rows" if self.rows is not None else f"{self.seconds:g}s"


def parse_learn(value: Any) -> LearnFor:
    """'24h' or '5000 rows' (or a bare number of rows). Raises ValueError with an example."""
    if isinstance(value, LearnFor):
        return value
    match = _ROWS.fullmatch(str(value))
    if match and not isinstance(value, bool):
        return LearnFor(rows=int(match[1].replace(",", "").replace("_", "")))
    try:
        return LearnFor(seconds=parse_duration_seconds(value))
    except ValueError:
        raise ValueError(f"{value!r} is neither a duration nor a number of rows: write for example 24h or 5000 rows") from None


Learn = Annotated[LearnFor, BeforeValidator(parse_learn, json_schema_input_type=str | int), PlainSerializer(str, return_type=str)]
"""A duration (24h) or a number of rows (5000 rows)."""


class WindowSettings(Section):
    """Panes, windows and evaluations. Memory: columns x cells x 8 bytes x (length / pane + 2), whatever the traffic."""

    pane: Annotated[Duration, Field(gt=0)] = 60.0
    """Width of a pane, the smallest slice of time that is kept. Widened to length / 120 where it is narrower."""
    length: Annotated[Duration, Field(gt=0)] = 3600.0
    """How much recent traffic the window-based verdicts look at."""
    evaluate_every: Annotated[Duration, Field(gt=0)] = 60.0
    """How often all monitors are asked."""
    lateness: Annotated[Duration, Field(ge=0)] = 300.0
    """Rows up to this much older than the window's start still find their own pane; older ones are counted as late."""
    cells: Annotated[int, Field(ge=8, le=4096)] = 256
    """Cells of a numeric column's grid: KS from panes is within 1/cells of exact."""
    max_categories: Annotated[int, Field(ge=2, le=10_000)] = 200
    """Categories of a column that are counted one by one; the rest share ``_other``."""
    max_columns: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    """Columns kept for a model; what is beyond is left out and counted."""
    max_models: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Model versions kept; rows of others are left out and counted."""

    @property
    def pane_seconds(self) -> float:
        """The width in force: ``pane``, or more where the window would need over 120 panes."""
        return max(self.pane, self.length / MAX_PANES)

    @model_validator(mode="after")
    def _pane_fits(self) -> Self:
        if self.pane > self.length:
            raise ValueError(f"pane ({self.pane:g}s) is longer than length ({self.length:g}s)")
        return self


class ReferenceSettings(Section):
    """What current traffic is compared with: a file, or the first traffic seen."""

    source: Path | None = None
    """A Parquet, CSV or NPZ file of rows like those the model is served."""
    learn: Learn = LearnFor(rows=5_000)
    """Without a source: learn from this much of the first traffic. Written 24h, or 5000 rows."""
    whole_rows: bool = False
    """Watch all features together as well: random cosines of whole rows (MMD) and the error of a PCA, as columns of their own."""
    max_rows: Annotated[int, Field(ge=100, le=10_000_000)] = 20_000
    """Rows held while learning; of more, a uniform sample is kept."""
    seasonal: Seasonal | None = None
    """Compare each hour with the same hour of the reference, UTC: hour_of_week, or hour_of_day. For traffic with a daily or weekly rhythm, and
    a reference of several weeks. Hours with fewer than 50 reference rows borrow from those around them, then from the same hour of all
    days, then from all rows."""
    time: str = "time"
    """With ``seasonal``: the column of the source that says when each row was (timestamps, or Unix seconds). A prediction log has it."""

    @model_validator(mode="after")
    def _learns_every_season(self) -> Self:
        if self.seasonal is not None and self.source is None:
            needed = HOURS[self.seasonal] * 3600.0
            if self.learn.seconds is None or self.learn.seconds < needed:
                raise ValueError(
                    f"seasonal: {self.seasonal} needs a reference that holds every hour: "
                    f"write learn: {needed / 86_400:g}d or longer, or name a source"
                )
        return self
