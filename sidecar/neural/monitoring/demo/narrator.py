"""Tells the story while it happens: a progress line on a terminal, plain lines when piped, nothing when the output is JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from neural.monitoring.demo.plan import IN_WORDS, Episode
from neural.monitoring.store import AlertRow

_COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


class Narrator:
    """Speaks to stderr when ``quiet`` (JSON output) is off. ``tell`` is called a few times a second."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(quiet=quiet, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]:,} rows"), TimeElapsedColumn(),
            console=self._console, transient=True, disable=quiet or not self._console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._announced: set[str] = set()

    def say(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style or None, markup=False, soft_wrap=True)

    def begin(self, total_rows: int) -> None:
        self._task = self._progress.add_task("quiet traffic", total=total_rows, rows=0)
        self._progress.start()

    def end(self) -> None:
        self._progress.stop()

    def tell(self, rows: int, episodes: Sequence[Episode], started_at: float, alerts: Sequence[AlertRow]) -> None:
        """What is going on now, what has begun, and what the sidecar has noticed since the last call."""
        current = next((one for one in episodes if one.ended_at is None), None)
        if self._task is not None:
            description = IN_WORDS[current.incident] if current else "quiet traffic"
            self._progress.update(self._task, completed=rows, rows=rows, description=description)
        for one in episodes:
            if self._once(f"start {one.incident}"):
                self.say(f"[{one.started_at - started_at:5.1f} s] incident: {IN_WORDS[one.incident]}", "bold")
            if one.ended_at is not None and self._once(f"end {one.incident}"):
                self.say(f"[{one.ended_at - started_at:5.1f} s] mended")
        for alert in alerts:
            if self._once(alert.alert_id):
                self._announce(alert, episodes, started_at)

    def _once(self, key: str) -> bool:
        new = key not in self._announced
        self._announced.add(key)
        return new

    def _announce(self, alert: AlertRow, episodes: Sequence[Episode], started_at: float) -> None:
        fired = alert.fired_at or 0.0
        open_then = [one for one in episodes if one.started_at <= fired and (one.ended_at is None or fired <= one.ended_at)]
        after = f", {fired - open_then[-1].started_at:.1f} s after it began" if open_then else ""
        text = f"[{fired - started_at:5.1f} s]   {alert.severity}: {alert.title}{after}: {alert.message}"
        self.say(text, _COLOURS.get(alert.severity, ""))
