"""The ``drift`` section of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from neural.monitoring.drift.budget import Budget, FalseAlarms
from neural.monitoring.drift.errors import ERROR_DETECTORS
from neural.monitoring.drift.registry import METHODS
from neural.monitoring.section import Fraction, Section


class DriftMethods(Section):
    """Which statistics are computed beside the sequential verdict, by kind of column."""

    numeric: tuple[str, ...] = ("ks", "psi", "wasserstein")
    """Of numbers, booleans, lengths of texts and norms of embeddings."""
    categorical: tuple[str, ...] = ("chi2", "psi")
    """Of categories."""

    @field_validator("numeric", "categorical")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in METHODS:
                raise ValueError(f"{name!r} is not a drift method: choose from {', '.join(METHODS)}")
        return names

    @field_validator("categorical")
    @classmethod
    def _for_categories(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if METHODS[name].ordered:
                raise ValueError(
                    f"{name!r} needs numbers: choose from {', '.join(n for n, m in METHODS.items() if not m.ordered)}"
                )
        return names


class DriftSettings(Section):
    """Drift of features, predictions and probabilities against the reference. ``false_alarms`` is the one knob."""

    false_alarms: Budget = FalseAlarms(1, 2_592_000.0)
    """How many drift alarms without a cause are acceptable, over all features and models. Written 1 per 30d."""
    methods: DriftMethods = DriftMethods()
    """Statistics that are computed and shown."""
    ignore: tuple[str, ...] = ()
    """Columns that are not watched: row numbers, timestamps, what is meant to move."""
    fewest_rows: Annotated[int, Field(ge=1)] = 30
    """With fewer values in the window the window-based verdict of a column is "not enough data"."""
    smallest_effect: Annotated[Fraction, Field(ge=0, le=1)] = 0.02
    """Where less than this share of a column's rows moved there is no drift, in the window and in the alarm, however many rows there are."""
    errors: tuple[str, ...] = ("adwin",)
    """Detectors that read the errors of labelled rows (concept drift): adwin, ddm, page_hinkley. Only adwin seldom alarms by chance."""
    correction: Literal["benjamini-hochberg", "bonferroni"] = "benjamini-hochberg"
    """How the window-based verdict is corrected for the number of columns."""

    @field_validator("errors")
    @classmethod
    def _known_detectors(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in ERROR_DETECTORS:
                raise ValueError(f"{name!r} is not a detector of errors: choose from {', '.join(ERROR_DETECTORS)}")
        return names
