"""The command line: ``neural monitor …``, and ``neural-monitor …`` where another ``neural`` exists."""

from __future__ import annotations

from neural.monitoring.cli.entry import main, monitor_main

__all__ = ["main", "monitor_main"]
