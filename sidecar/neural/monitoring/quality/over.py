"""Quality over a stretch of history: rates of bad values beside the reference's, in one look."""

from __future__ import annotations

from typing import Any

from neural.monitoring.quality.detect import jumps, reference_rates
from neural.monitoring.quality.findings import RateFinding, summary
from neural.monitoring.quality.monitor import with_panes
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.quality.tally import Tally
from neural.monitoring.windows import Reference, Window

_SHOWN = ("column", "kind", "count", "rows", "rate", "reference_rate", "p_value", "text")
"""Counts over all of it don't tell when it began, nor show an example."""


def quality_over(reference: Reference, window: Window, settings: QualitySettings | None = None) -> dict[str, Any]:
    """JSON-able: ``is_healthy``, ``findings`` (missing, invalid and unseen values that are more than the reference's by more than chance),
    ``reason``. Outliers and rules need rows, which history's counts are not.
    """
    rates = reference_rates(reference, {})
    tally = with_panes(window, Tally(), rates)
    found = list(jumps(tally, rates, settings or QualitySettings(), window.start, window.end))
    found.sort(key=lambda one: -one.jump.rise)
    reason = (
        summary(found) if found else f"no rate of bad values above the reference's by more than chance, over {window.rows:,} rows"
    )
    return {"is_healthy": not found, "findings": [_shown(one) for one in found], "reason": reason}


def _shown(found: RateFinding) -> dict[str, Any]:
    return {key: value for key, value in found.to_json().items() if key in _SHOWN}
