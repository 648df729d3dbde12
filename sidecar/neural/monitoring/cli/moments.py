"""Moments as people write them on a command line."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import click

_LATEST = 4_102_444_800.0  # 2100-01-01


def parse_moment(text: str, now: float) -> float:
    """Unix seconds of a date or time (2026-11-23, 2026-11-23T15:04+01:00; UTC where it has no zone), of Unix seconds, or of a
    duration before now (7d, 1h30m).

    Raises ValueError with examples.
    """
    from neural.monitoring.section import parse_duration_seconds

    for read in (_iso, float, lambda one: now - parse_duration_seconds(one)):
        try:
            moment = read(text)
        except ValueError:
            continue
        if math.isfinite(moment) and 0 <= moment <= _LATEST:
            return moment
    raise ValueError(f"{text!r} is no moment: write for example 7d (ago), 2026-11-23, 2026-11-23T15:04")


def _iso(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class Moment(click.ParamType[float, float]):
    """An option that is a moment; its value is Unix seconds."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from neural.monitoring.clock import system_clock

        if isinstance(value, float):
            return value
        try:
            return parse_moment(str(value), system_clock())
        except ValueError as error:
            self.fail(str(error), param, ctx)
