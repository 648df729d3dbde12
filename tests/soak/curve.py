"""What a soak's samples say: the slope of memory with its uncertainty, and the curve as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

WARM_UP = 1 / 3
"""The first third of a run fills windows, caches and the allocator's pools: it is shown, not tested."""
MOST_GROWTH_MIB_PER_HOUR = 10.0
"""A slope below this is flat: a pod that lives for a day grows by less than its limit leaves."""
CEILING_MIB = 200.0
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 800, 320, 60, 40


class Sample(NamedTuple):
    """Seconds since the begin, resident bytes, rows acknowledged, times the sidecar asked to wait, bytes of the state folder."""

    seconds: float
    rss_bytes: int
    rows: int
    refused: int
    disk_bytes: int


def verdict(samples: Sequence[Sample]) -> dict[str, Any]:
    """``flat``: the lower end of the slope's 95 % interval is not above what is allowed. Blocks of a minute are one observation each,
    since neighbouring samples tell the same."""
    tested = [one for one in samples if one.seconds >= samples[-1].seconds * WARM_UP]
    minutes: dict[int, list[float]] = {}
    for one in tested:
        minutes.setdefault(int(one.seconds // 60), []).append(one.rss_bytes / 2**20)
    hours = np.array([minute / 60 for minute in minutes])
    mib = np.array([np.mean(found) for found in minutes.values()])
    slope = spread = 0.0
    if len(hours) > 2:
        fitted = stats.linregress(hours, mib)
        slope, spread = float(fitted.slope), float(fitted.stderr * stats.t.ppf(0.975, len(hours) - 2))
    highest = max(one.rss_bytes for one in samples) / 2**20
    return {
        "minutes": round(samples[-1].seconds / 60, 1),
        "rows": samples[-1].rows,
        "rows_per_second": round(samples[-1].rows / samples[-1].seconds),
        "asked_to_wait": samples[-1].refused,
        "highest_mib": round(highest, 1),
        "slope_mib_per_hour": round(slope, 2),
        "slope_interval": [round(slope - spread, 2), round(slope + spread, 2)],
        "disk_mib": round(max(one.disk_bytes for one in samples) / 2**20),
        "flat": bool(slope - spread <= MOST_GROWTH_MIB_PER_HOUR and slope <= 2 * MOST_GROWTH_MIB_PER_HOUR),
        "within": bool(highest <= CEILING_MIB),
    }


def svg(samples: Sequence[Sample], found: dict[str, Any], features: int) -> str:
    """Memory over time, the ceiling as a dashed line."""
    top = max(CEILING_MIB * 1.1, found["highest_mib"] * 1.05)
    end = samples[-1].seconds

    def at(seconds: float, mib: float) -> str:
        x = _LEFT + seconds / end * (_WIDTH - _LEFT - 20)
        return f"{x:.1f},{_HEIGHT - _BOTTOM - mib / top * (_HEIGHT - _BOTTOM - 40):.1f}"

    curve = " ".join(at(one.seconds, one.rss_bytes / 2**20) for one in samples)
    (left, level), (right, _) = (at(when, CEILING_MIB).split(",") for when in (0, end))
    title = (
        f"Resident memory, {features} features, {found['rows_per_second']:,} rows/s for {found['minutes']:.0f} min: "
        f"{found['slope_mib_per_hour']:+.1f} MiB/h [{found['slope_interval'][0]:+.1f}, {found['slope_interval'][1]:+.1f}]"
    )
    marks = "".join(_mark(at(0, mib).split(",")[1], f"{mib:g}") for mib in range(0, int(top) + 1, 50))
    times = "".join(
        f'<text x="{at(minute * 60, 0).split(",")[0]}" y="{_HEIGHT - 20}" text-anchor="middle">{minute:g}</text>'
        for minute in np.linspace(0, end / 60, 7).round(1).tolist()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/><text x="{_LEFT}" y="20">{title}</text>{marks}{times}'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 4}" text-anchor="middle">minutes</text><text x="8" y="36">MiB</text>'
        f'<line x1="{left}" x2="{right}" y1="{level}" y2="{level}" stroke="#b00" stroke-dasharray="6 4"/>'
        f'<polyline points="{curve}" fill="none" stroke="#1663a6" stroke-width="1.5"/></svg>\n'
    )


def _mark(y: str, text: str) -> str:
    return f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y}" y2="{y}" stroke="#ddd"/><text x="{_LEFT - 6}" y="{y}" text-anchor="end" dy="4">{text}</text>'
