"""A column that drifts: from the alarm until its rows are again such as the reference leads one to expect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.loggamma import log_dirichlet_multinomial

RETURN_ODDS = 1000.0
"""How much likelier recent rows must be under the reference than under what the column had drifted to, for it to count as back."""
PRIOR_ROWS = 8.0  # rows of the reference mixed into the drifted distribution, so that no bin is impossible


@dataclass(slots=True)
class Episode:
    """``since``: when the drift began, as far as the counts tell; ``drifted``: counts since then, while it drifts (bins,).

    ``gain`` is a CUSUM of the log likelihood ratio, reference against drifted; ``recent``: counts since it was last zero. ``drifted_hours``,
    ``recent_hours``: the same rows by hour, where the reference has seasons.
    """

    since: float
    alarmed_at: float
    drifted: NDArray[np.float64]
    recent: NDArray[np.float64]
    gain: float = 0.0
    last_rows_at: float = 0.0
    drifted_hours: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    recent_hours: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def step(
        self,
        counts: NDArray[np.float64],
        expected: NDArray[np.float64],
        now: float,
        hours: NDArray[np.float64],
        usual: NDArray[np.float64] | None = None,
    ) -> bool:
        """Take in new counts; True when they look like the reference's again (whether they fit it is for the caller to ask).

        ``usual``: what was to be expected of the rows since the drift began, where that is not what is ``expected`` of these.
        """
        if counts.sum() == 0:
            return False
        self.last_rows_at = now
        before = expected if usual is None else usual
        drifted = self.drifted + before * (PRIOR_ROWS / before.sum())
        if usual is not None:  # what each bin has grown by, at these hours
            grown = expected * drifted / usual
            drifted = grown * (drifted.sum() / grown.sum())
        self.gain += log_dirichlet_multinomial(expected, counts) - log_dirichlet_multinomial(drifted, counts)
        if self.gain <= 0.0:
            self.drifted = self.drifted + self.recent + counts
            self.drifted_hours = self.drifted_hours + self.recent_hours + hours
            self.gain, self.recent, self.recent_hours = 0.0, np.zeros_like(counts), np.zeros_like(hours)
            return False
        self.recent, self.recent_hours = self.recent + counts, self.recent_hours + hours
        return self.gain >= math.log(RETURN_ODDS)

    def follow(self) -> None:
        """Neither the reference nor what it had drifted to: it drifts to somewhere else now."""
        self.drifted, self.recent, self.gain = self.recent.copy(), np.zeros_like(self.recent), 0.0
        self.drifted_hours, self.recent_hours = self.recent_hours.copy(), np.zeros_like(self.recent_hours)

    def snapshot(self) -> dict[str, Any]:
        return {
            "since": self.since,
            "alarmed_at": self.alarmed_at,
            "drifted": self.drifted.tolist(),
            "recent": self.recent.tolist(),
            "gain": self.gain,
            "last_rows_at": self.last_rows_at,
            "hours": [self.drifted_hours.tolist(), self.recent_hours.tolist()],
        }

    @classmethod
    def from_snapshot(cls, state: Mapping[str, Any]) -> Episode:
        drifted_hours, recent_hours = state.get("hours", ((), ()))
        return cls(
            since=float(state["since"]),
            alarmed_at=float(state["alarmed_at"]),
            drifted=np.array(state["drifted"], dtype=np.float64),
            recent=np.array(state["recent"], dtype=np.float64),
            gain=float(state["gain"]),
            last_rows_at=float(state["last_rows_at"]),
            drifted_hours=np.array(drifted_hours, dtype=np.float64),
            recent_hours=np.array(recent_hours, dtype=np.float64),
        )
