"""The quality signals."""

from __future__ import annotations

from neural.monitoring.quality.findings import Trouble
from neural.monitoring.signal import SignalSpec

_HELP = {
    Trouble.MISSING: "Share of feature values that are missing",
    Trouble.OUTLIER: "Share of numbers far outside the reference",
    Trouble.INVALID: "Share of feature values of the wrong type, infinite, or against a rule",
    Trouble.UNSEEN: "Share of categories that the reference does not know",
    Trouble.STALE: "Share of times in a column that were older than its max_age when the model was asked",
}

SPECS = (
    SignalSpec("quality.alarm", "1 when a rate of bad values has risen above the reference's by more than chance"),
    SignalSpec("quality.score", "How good the data is, from 0 to 1", higher_is_worse=False),
    *(SignalSpec(f"quality.{kind}_rate", text) for kind, text in _HELP.items()),
    *(SignalSpec(f"quality.feature_{kind}_rate", f"{text}, by feature", labels=("feature",)) for kind, text in _HELP.items()),
    SignalSpec(
        "quality.schema_violations",
        "Columns that are missing, extra, in another order, of another type, or required and empty",
        unit="count",
    ),
    SignalSpec("quality.stuck_columns", "Columns that have held one value over the whole window", unit="count"),
    SignalSpec(
        "quality.shifted_columns", "Columns whose mean, spread or range is another than the reference's, by a lot", unit="count"
    ),
    SignalSpec("quality.freshness", "Age of the newest row", unit="s"),
    SignalSpec("quality.duplicate_rate", "Share of rows that repeat another row of the same evaluation in every feature"),
)
