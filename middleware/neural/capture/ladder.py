"""How far capture steps back under pressure, and how it returns."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

_BODIES_OFF_FILL: Final = 0.5  # share of the ring's bytes
_SAMPLED_FILL: Final = 0.75
_COUNTS_ONLY_FILL: Final = 0.9
_CALM_FILL: Final = 0.25
_CALM_SECONDS: Final = 2.0  # quiet time before one step up
_MAX_CALM_SECONDS: Final = 120.0  # doubled after each step down that overhead caused: a slow machine must not see-saw


class Rung(IntEnum):
    """What is captured: all, all but bodies, a tenth of that (each standing for ten), nothing but the ledger's counts."""

    FULL = 0
    BODIES_OFF = 1
    SAMPLED = 2
    COUNTS_ONLY = 3

    @property
    def label(self) -> str:
        return ("full", "bodies_off", "sampled", "counts_only")[self]


class Ladder:
    """Decides the rung from what the shipper sees. Steps down at once, up one rung after a calm time."""

    def __init__(self, overhead_budget_ns: int) -> None:
        self._budget_ns = overhead_budget_ns
        self._calm_since: float | None = None
        self._calm_seconds = _CALM_SECONDS
        self.rung = Rung.FULL

    def step(self, *, now: float, fill: float, overhead_ns: int, pushed_back: bool) -> Rung:
        """``now``: monotonic seconds. ``fill``: used share of the ring. ``pushed_back``: the sidecar asked for less since the last step."""
        too_dear = overhead_ns > self._budget_ns
        floor = max(_for_fill(fill), Rung.BODIES_OFF if pushed_back else Rung.FULL)
        if too_dear:
            floor = max(floor, Rung(min(self.rung + 1, Rung.COUNTS_ONLY)))
            self._calm_seconds = min(self._calm_seconds * 2, _MAX_CALM_SECONDS)
        self.rung = max(self.rung, floor)
        if floor > Rung.FULL or fill > _CALM_FILL:
            self._calm_since = None
        elif self.rung > Rung.FULL:
            self._climb(now)
        return self.rung

    def _climb(self, now: float) -> None:
        if self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= self._calm_seconds:
            self.rung = Rung(self.rung - 1)
            self._calm_since = now


def _for_fill(fill: float) -> Rung:
    if fill >= _COUNTS_ONLY_FILL:
        return Rung.COUNTS_ONLY
    if fill >= _SAMPLED_FILL:
        return Rung.SAMPLED
    return Rung.BODIES_OFF if fill >= _BODIES_OFF_FILL else Rung.FULL
