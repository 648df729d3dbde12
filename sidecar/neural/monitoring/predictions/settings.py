"""How the prediction log is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from neural.monitoring.section import Duration, Section, Size


class PredictionLogSettings(Section):
    """Predictions with their features, as Parquet by model, version and hour. One minute's rows are on disk within a checkpoint."""

    enabled: bool = True
    """False: no prediction is written to disk."""
    keep: Annotated[Duration, Field(gt=0)] = 7 * 86_400.0
    """How long predictions stay."""
    max_size: Annotated[Size, Field(ge=1 << 20)] = 2 << 30
    """The most the log may hold; the oldest hours go first."""
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 8_192
    """Rows gathered before they are written; a checkpoint writes what there is."""
    features: bool = True
    """False: predictions, probabilities and times only."""
