"""The ``performance:`` section of the YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from neural.monitoring.section import Duration, Fraction, Section

DEFAULT_LABELS_WITHIN_SECONDS = 7 * 86_400.0


class PerformanceSettings(Section):
    """How predictions are compared with the outcomes that become known later."""

    task: Literal["auto", "classification", "regression"] = "auto"
    """What the model predicts. ``auto``: numbers without probabilities are regression, everything else classification."""
    labels_within: Annotated[Duration, Field(gt=0)] = DEFAULT_LABELS_WITHIN_SECONDS
    """How long a prediction waits for its label, and a label for its prediction. Older pairs are not joined."""
    positive_class: str | None = None
    """The class that precision, recall, F1 and AUC are about. Default: "1", else the last of the two classes in order."""
    score_threshold: Annotated[Fraction, Field(ge=0, le=1)] = 0.5
    """With ``task: classification``, a numeric prediction between 0 and 1 counts as the positive class from here on."""
    window: Annotated[Duration, Field(gt=0)] | None = None
    """Performance is computed over the labels that arrived in this long. Default: ``windows.length``."""
    min_labels: Annotated[int, Field(ge=1)] = 30
    """Below this many labels the verdict is "not enough data"; the numbers are still given."""
    confidence: Annotated[Fraction, Field(gt=0, lt=1)] = 0.95
    """Level of the confidence intervals in the evidence."""
    tolerance: Annotated[Fraction, Field(ge=0)] = 0.05
    """How far a metric may fall below its reference before the verdict can be bad (relative, for errors and losses)."""
    minimum: Mapping[str, float] = Field(default_factory=dict[str, float])
    """Lowest (for errors and losses: highest) acceptable value by metric, e.g. ``{accuracy: 0.8}``; goes before the reference."""
    error_rate: Annotated[Fraction, Field(gt=0, lt=1)] = 1e-4
    """Chance of a false "bad" verdict at one look at one metric: a fall must be this unlikely to be noise."""
    segments: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Features by whose values performance is also given one by one, e.g. ``[carrier, origin]``."""
    max_segments: Annotated[int, Field(ge=1, le=1_000)] = 50
    """Values of a segment feature counted one by one; the rest count as ``_other``."""
    estimate: bool = True
    """Estimate performance before labels come, from the probabilities (classification) or past errors (regression)."""
    max_pending: Annotated[int, Field(ge=1)] = 200_000
    """Most predictions held in memory for their labels; the oldest leave first, and are counted."""
    max_waiting: Annotated[int, Field(ge=0)] = 50_000
    """Most labels held for predictions that have not been seen yet."""
    max_classes: Annotated[int, Field(ge=2)] = 100
    """Classes counted one by one; the rest count as ``_other``."""
