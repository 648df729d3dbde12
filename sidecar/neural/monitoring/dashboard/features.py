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
    peak: float


def features(reader: Reader, *, with_peaks: bool = False) -> list[Feature]:
    """The most drifted first; empty before there is a reference.

    ``with_peaks``: features that are calm now are ordered by their highest score in the stretch of time, so that an incident that is over
    is still on top.
    """
    thresholds = {
        signal.labels.get("feature"): signal.verdict.threshold
        for signal in reader.state.get("drift.feature_score", ())
        if signal.verdict is not None
    }
    peaks = _peaks(reader) if with_peaks else {}
    found = [
        Feature(
            row["feature"], row["score"], row["evidence"], _LEVELS.get(row["outcome"], "unknown"), row["reason"],
            thresholds.get(row["feature"]), peaks.get(row["feature"], 0.0),
        )
        for row in drift_now(reader.current)["features"]
    ]  # fmt: skip
    return sorted(found, key=_order)


def _peaks(reader: Reader) -> dict[str, float]:
    series = reader.series("drift.feature_score")
    return {s.labels.get("feature", "?"): max((v for v in s.values if v is not None), default=0.0) for s in series}


def _order(item: Feature) -> tuple[bool, float, float, str]:
    score = item.score or 0.0
    is_bad = item.level == "bad"
    return not is_bad, -score if is_bad else -max(score, item.peak), -(item.evidence or 0.0), item.name
