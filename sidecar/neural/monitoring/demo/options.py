"""What the user may choose about the demo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DEFAULT_SECONDS = 60.0
MINIMUM_SECONDS = 20.0
"""Shorter stories leave too few rows before the first incident and between them."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """``seconds`` of traffic; ``port`` of the dashboard (0 picks a free one); ``folder`` for data and state (a new temporary one when None).

    ``slack``: an incoming webhook (or a stand-in) that is told as people would be.
    ``keep`` leaves server and sidecar running until Ctrl-C; ``kill_sidecar`` kills it with SIGKILL in mid-story and restarts it.
    """

    seconds: float = DEFAULT_SECONDS
    keep: bool = False
    port: int = 8052
    output: Literal["text", "json"] = "text"
    seed: int = 0
    incidents: bool = True
    season: bool = False
    kill_sidecar: bool = False
    folder: Path | None = None
    slack: str = ""
