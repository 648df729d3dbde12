"""Features by how far they have drifted."""

from __future__ import annotations

from dataclasses import dataclass

from neural.monitoring.dashboard.headline import Level
from neural.monitoring.dashboard.reading import Reader
from neural.monitoring.views.drift import drift_now

_LEVELS: dict[str, Level] = {"ok": "ok", "bad": "bad"}


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature at the right edge. ``threshold`` is that of its score, if the verdict names one."""

    name: str
    score: float | None
    evidence: float | None
    level: Level
    reason: str
    threshold: float | None


def features(reader: Reader) -> list[Feature]:
    """The most drifted first; empty before there is a reference."""
    thresholds = {
        signal.labels.get("feature"): signal.verdict.threshold
        for signal in reader.state.get("drift.feature_score", ())
        if signal.verdict is not None
    }
    found = [
        Feature(
            row["feature"],
            row["score"],
            row["evidence"],
            _LEVELS.get(row["outcome"], "unknown"),
            row["reason"],
            thresholds.get(row["feature"]),
        )
        for row in drift_now(reader.current)["features"]
    ]
    return sorted(found, key=lambda item: (item.level != "bad", -(item.score or 0.0), -(item.evidence or 0.0), item.name))
