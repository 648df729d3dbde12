"""The season a verdict compares with: what it expects, and how it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.episode import Episode
from neural.monitoring.drift.expectation import SeasonalNull
from neural.monitoring.windows import Reference
from neural.monitoring.windows.seasons import FEWEST_ROWS, Seasons

NOTABLE = 0.01
"""The share of rows in hours without enough reference rows from which a verdict says so."""


@dataclass(frozen=True, slots=True)
class InSeason:
    """``window``: pseudo-counts of what is expected of the window, bins of all columns end to end."""

    reference: Reference
    null: SeasonalNull
    window: NDArray[np.float64]

    @property
    def _seasons(self) -> Seasons:
        assert self.reference.seasons is not None
        return self.reference.seasons

    def expected(self, episode: Episode | None) -> NDArray[np.float64]:
        """Pseudo-counts of a column's rows since its drift began, or of the window's."""
        return self.window if episode is None else self.null.pseudo_counts(episode.drifted_hours[None, :])[0]

    def evidence(self, rows: Mapping[int, int]) -> dict[str, Any]:
        """``season``: the rhythm, the hours of the window's rows, and the share of them that had to borrow."""
        seasons = self._seasons
        borrowed = round(seasons.borrowing(rows), 4)
        return {"season": {"by": seasons.seasonal, "hours": seasons.in_words(rows) if rows else "", "borrowed": borrowed}}

    def in_words(self, rows: Mapping[int, int]) -> str:
        """ "; compared with Mon 09:00 (UTC)", and which part of it could not be."""
        if not rows:
            return ""
        seasons = self._seasons
        said = f"; compared with {seasons.in_words(rows)} of the reference"
        borrowed = seasons.borrowing(rows)
        if borrowed < NOTABLE:
            return said
        return f"{said}, but {borrowed:.0%} of the rows with other hours: theirs have fewer than {FEWEST_ROWS} reference rows"
