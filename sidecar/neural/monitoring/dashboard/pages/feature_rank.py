"""A feature as a line of a ranking, on every page that ranks features."""

from __future__ import annotations

from collections.abc import Sequence

from neural.monitoring.dashboard.components import Rank
from neural.monitoring.dashboard.features import Feature
from neural.monitoring.dashboard.pages.page import View
from neural.monitoring.dashboard.words import column_name, number


def as_rank(view: View, item: Feature, among: Sequence[Feature], *, chosen: bool = False) -> Rank:
    """A feature as a line of a ranking; bars are relative to the largest score, or to twice the threshold."""
    full = max([other.score or 0.0 for other in among] + [2 * (other.threshold or 0.0) for other in among]) or 1.0
    href = view.href(page="drift", feature=item.name)
    return Rank(column_name(item.name), number(item.score), (item.score or 0.0) / full, item.level, href, item.reason, chosen)
