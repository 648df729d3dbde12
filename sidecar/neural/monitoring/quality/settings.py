"""The ``quality:`` section of the YAML file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neural.monitoring.section import Duration, Fraction, Section


class QualityWeights(Section):
    """How much each kind of trouble costs the score: 1 means that a column full of it scores 0."""

    missing: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Values that are not there."""
    invalid: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Values of the wrong type, or against a rule."""
    unseen: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Categories the reference does not know."""
    outliers: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Numbers far outside the reference."""
    worst_column: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the score that the worst column alone can cost, however many columns are fine."""


class QualitySettings(Section):
    """What counts as bad data, and how sure the monitor must be before it says so."""

    missing_threshold: Annotated[Fraction, Field(ge=0, le=1)] = 0.1
    """Without a reference, a larger share of missing values is called unhealthy."""
    outlier_threshold: Annotated[float, Field(gt=0)] = 3.0
    """Standard deviations (zscore), scaled MADs (mad) or half box widths beyond the box (iqr: 3 is the usual 1.5 × IQR)."""
    outlier_method: Literal["zscore", "mad", "iqr"] = "zscore"
    """How far is far: from the mean in standard deviations, from the median in MADs, or from the quartiles."""
    error_rate: Annotated[Fraction, Field(gt=0, lt=1)] = 1e-6
    """Chance of a false alarm at one evaluation over all columns: at one a minute, one in 23 months."""
    min_jump: Annotated[Fraction, Field(gt=0, le=1)] = 0.02
    """A rate must rise by at least this much above the reference's before it can alarm, however sure we are."""
    min_rows: Annotated[int, Field(ge=1)] = 20
    """Below this many rows the verdict is "not enough data"."""
    min_score: Annotated[Fraction, Field(ge=0, le=1)] = 0.7
    """A score below this is unhealthy."""
    fresh_within: Annotated[Duration, Field(gt=0)] | None = None
    """The longest time without a row before the data is called stale. Left out: the age is told, and never judged."""
    max_duplicates: Annotated[Fraction, Field(ge=0, le=1)] | None = None
    """A larger share of repeated rows is bad. Left out: the share is told, and never judged."""
    weights: QualityWeights = QualityWeights()
    """What the score is made of."""
