"""The parts pages are built from."""

from neural.monitoring.dashboard.components.aria import aria
from neural.monitoring.dashboard.components.badge import badge
from neural.monitoring.dashboard.components.notice import empty, failure, remark
from neural.monitoring.dashboard.components.panel import grid, panel, tile
from neural.monitoring.dashboard.components.ranking import Rank, ranking
from neural.monitoring.dashboard.components.segments import segments
from neural.monitoring.dashboard.components.silence import acknowledge_button, end_button, silence_buttons
from neural.monitoring.dashboard.components.sparkline import sparkline
from neural.monitoring.dashboard.components.table import facts, table

__all__ = [
    "Rank", "acknowledge_button", "aria", "badge", "empty", "end_button", "facts", "failure", "grid", "panel", "ranking", "remark", "segments",
    "silence_buttons", "sparkline", "table", "tile",
]  # fmt: skip
