"""A column that drifts: from the alarm until its rows are again such as the reference leads one to expect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
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

    ``gain`` is a CUSUM of the log likelihood ratio, reference against drifted; ``recent``: counts since it was last zero.
    """

    since: float
    alarmed_at: float
    drifted: NDArray[np.float64]
    recent: NDArray[np.float64]
    gain: float = 0.0
    last_rows_at: float = 0.0

    def step(self, counts: NDArray[np.float64], expected: NDArray[np.float64], now: float) -> bool:
        """Take in new counts; True when they look like the reference's again (whether they fit it is for the caller to ask)."""
        if counts.sum() == 0:
            return False
        self.last_rows_at = now
        drifted = self.drifted + expected * (PRIOR_ROWS / expected.sum())
        self.gain += log_dirichlet_multinomial(expected, counts) - log_dirichlet_multinomial(drifted, counts)
        if self.gain <= 0.0:
            self.drifted += self.recent + counts
            self.gain, self.recent = 0.0, np.zeros_like(counts)
            return False
        self.recent = self.recent + counts
        return self.gain >= math.log(RETURN_ODDS)

    def follow(self) -> None:
        """Neither the reference nor what it had drifted to: it drifts to somewhere else now."""
        self.drifted, self.recent, self.gain = self.recent.copy(), np.zeros_like(self.recent), 0.0

    def snapshot(self) -> dict[str, Any]:
        return {
            "since": self.since,
            "alarmed_at": self.alarmed_at,
            "drifted": self.drifted.tolist(),
            "recent": self.recent.tolist(),
            "gain": self.gain,
            "last_rows_at": self.last_rows_at,
        }

    @classmethod
    def from_snapshot(cls, state: Mapping[str, Any]) -> Episode:
        return cls(
            since=float(state["since"]),
            alarmed_at=float(state["alarmed_at"]),
            drifted=np.array(state["drifted"], dtype=np.float64),
            recent=np.array(state["recent"], dtype=np.float64),
            gain=float(state["gain"]),
            last_rows_at=float(state["last_rows_at"]),
        )
