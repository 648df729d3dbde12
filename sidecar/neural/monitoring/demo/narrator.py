"""Tells the story while it happens: a progress line on a terminal, plain lines when piped, nothing when the output is JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from neural.monitoring.demo.judge import concerns
from neural.monitoring.demo.plan import IN_WORDS, Act, incident_at
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

    def begin(self, seconds: float) -> None:
        self._task = self._progress.add_task("quiet traffic", total=seconds, rows=0)
        self._progress.start()

    def end(self) -> None:
        self._progress.stop()

    def tell(self, elapsed: float, rows: int, acts: Sequence[Act], started_at: float, alerts: Sequence[AlertRow]) -> None:
        """What is going on now, what has begun, and what the sidecar has noticed since the last call."""
        current = incident_at(list(acts), elapsed)
        if self._task is not None:
            self._progress.update(
                self._task, completed=elapsed, rows=rows, description=IN_WORDS[current] if current else "quiet traffic"
            )
        for act in acts:
            if elapsed >= act.start_seconds and self._once(f"start {act.incident}"):
                self.say(f"[{act.start_seconds:5.1f} s] incident: {IN_WORDS[act.incident]}", "bold")
            if elapsed >= act.end_seconds and self._once(f"end {act.incident}"):
                self.say(f"[{act.end_seconds:5.1f} s] mended")
        for alert in alerts:
            if self._once(alert.alert_id):
                self._announce(alert, acts, started_at)

    def _once(self, key: str) -> bool:
        new = key not in self._announced
        self._announced.add(key)
        return new

    def _announce(self, alert: AlertRow, acts: Sequence[Act], started_at: float) -> None:
        fired = (alert.fired_at or 0.0) - started_at
        begun = [act for act in acts if act.start_seconds <= fired and concerns(alert, act.incident)]
        after = f", {fired - begun[-1].start_seconds:.1f} s after it began" if begun else ""
        self.say(f"[{fired:5.1f} s]   {alert.severity}: {alert.title}{after}: {alert.message}", _COLOURS.get(alert.severity, ""))
