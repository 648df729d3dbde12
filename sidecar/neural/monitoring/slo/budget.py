"""The arithmetic of error budgets, as pure functions of counts.

Method: Google, The Site Reliability Workbook (2018), chapters 2 and 5. A budget is (1 − goal) of the events of the window; the burn
rate is the error rate over (1 − goal), so that the burns of parts, weighted by their events, add up to the budget spent.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

from neural.monitoring.slo.burn import BurnWindow, window_name
from neural.monitoring.slo.counts import Counts
from neural.monitoring.slo.settings import GuardSettings


def budget_spent(counts: Counts, goal: float) -> float | None:
    """Share of the budget that is gone: 1 is all of it, above 1 is overspent. None without events."""
    return burn_rate(counts, goal)


def budget_remaining(counts: Counts, goal: float) -> float | None:
    """1 − spent; negative when overspent. None without events."""
    spent = budget_spent(counts, goal)
    return None if spent is None else 1.0 - spent


def burn_rate(counts: Counts, goal: float) -> float | None:
    """Error rate over what the goal allows. None without events."""
    rate = counts.error_rate
    return None if rate is None else rate / (1.0 - goal)


@lru_cache(maxsize=64)
def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(confidence)


def wilson_lower(bad: float, total: float, confidence: float) -> float:
    """One-sided lower bound of a proportion (Wilson 1927). 0 without events.

    With sampled traffic the counts are weighted and the bound is a little too sure.
    """
    if total <= 0 or bad <= 0:
        return 0.0
    z = _z(confidence)
    bad = min(bad, total)
    spread = z * math.sqrt(bad * (total - bad) / total + z * z / 4)
    return max((bad + z * z / 2 - spread) / (total + z * z), 0.0)


class BurnVerdict(NamedTuple):
    """Whether one row of the burn table fires, and why (not)."""

    fires: bool
    reason: str
    window: BurnWindow
    long: Counts
    short: Counts
    long_burn: float | None
    short_burn: float | None


def judge_burn(window: BurnWindow, long: Counts, short: Counts, goal: float, guard: GuardSettings) -> BurnVerdict:
    """Both windows must burn at the factor, and the long one must hold enough events to believe it."""
    return judge_burns(window, long, short, (burn_rate(long, goal), burn_rate(short, goal)), goal, guard)


def judge_burns(
    window: BurnWindow,
    long: Counts,
    short: Counts,
    burns: tuple[float | None, float | None],
    goal: float,
    guard: GuardSettings,
) -> BurnVerdict:
    """``judge_burn`` where the burn rates of the long and the short window are known already."""
    long_burn, short_burn = burns
    name_long, name_short = window_name(window.long_seconds), window_name(window.short_seconds)
    fires = False
    if long_burn is None:
        reason = f"no events in the last {name_long}"
    elif long_burn < window.factor:
        reason = f"burn rate {long_burn:.3g} over {name_long} is below {window.factor:.3g}"
    elif short_burn is None or short_burn < window.factor:
        burn = "unknown" if short_burn is None else f"{short_burn:.3g}"
        reason = f"burn rate {long_burn:.3g} over {name_long}, but {burn} over {name_short}: it has stopped"
    elif doubt := _doubt(long, goal, guard):
        reason = doubt
    else:
        fires, reason = (
            True,
            (
                f"burn rate {long_burn:.3g} over {name_long} and {short_burn:.3g} over {name_short} (limit {window.factor:.3g}): "
                f"{long.bad:.0f} of {long.total:.0f} events were bad; at this rate the budget is gone in {_left(window, long_burn)}"
            ),
        )
    return BurnVerdict(fires, reason, window, long, short, long_burn, short_burn)


def _doubt(long: Counts, goal: float, guard: GuardSettings) -> str:
    """Why there is too little traffic to believe a burn, or ''."""
    if long.total < guard.events or long.bad < guard.failures:
        return f"{long.bad:.0f} bad of {long.total:.0f} events is too little (needs {guard.failures:g} of {guard.events:g})"
    if wilson_lower(long.bad, long.total, guard.confidence) <= 1 - goal:
        return f"{long.bad:.0f} bad of {long.total:.0f} events may be chance at {guard.confidence:.0%} confidence"
    return ""


def _left(window: BurnWindow, burn: float) -> str:
    period = window.factor * window.long_seconds / window.budget
    hours = period / burn / 3600
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    return f"{hours:.1f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
