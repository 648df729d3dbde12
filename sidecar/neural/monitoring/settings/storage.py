"""Where state lives, how large it may grow and how long it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from neural.monitoring.section import Duration, Section, Size


class KeepSettings(Section):
    """How long each kind of record stays."""

    signals: Annotated[Duration, Field(gt=0)] = 30 * 86400.0
    """Signals: the numbers behind charts and the CLI."""
    predictions: Annotated[Duration, Field(gt=0)] | None = None
    """The prediction log; predictions.keep where left out."""
    alerts: Annotated[Duration, Field(gt=0)] = 90 * 86400.0
    """Alerts that are over, and what was sent about them."""
    reports: Annotated[Duration, Field(gt=0)] = 30 * 86400.0
    """Drift, quality and SLA reports."""
    panes: Annotated[Duration, Field(gt=0)] = 2 * 86400.0
    """Panes: the counts a restart continues from."""
    slo: Annotated[Duration, Field(gt=0)] = 90 * 86400.0
    """SLO counts; must be at least the longest SLO window."""


class JournalSettings(Section):
    """The append-only file between ingest and engine: what was acknowledged is in it."""

    max_size: Annotated[Size, Field(ge=1 << 20)] = 1 << 30
    """The most it may hold; beyond, senders are asked to wait."""
    segment: Annotated[Size, Field(ge=64 << 10)] = 16 << 20
    """The size of one segment file."""
    fsync: Literal["never", "batch"] = "never"
    """never survives a killed process; batch survives a power cut, and costs a disk write a batch."""


class StoreSettings(Section):
    """The state folder."""

    path: Path = Path("/var/lib/neural")
    """The folder; relative to the folder of this file."""
    max_disk: Annotated[Size, Field(ge=16 << 20)] = 5 << 30
    """The most the state file may hold; the oldest goes first. Journal and prediction log have ceilings of their own."""
    checkpoint_every: Annotated[Duration, Field(ge=1)] = 30.0
    """How often derived state is saved; a restart replays the journal from there."""
    keep: KeepSettings = KeepSettings()
    """How long each kind of record stays."""
    journal: JournalSettings = JournalSettings()
    """The journal between ingest and engine."""
