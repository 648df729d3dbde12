"""When a maintenance window that comes again is open: ``sat,sun 22:00``, ``mon-fri 01:30``, ``daily 02:00``, ``1,15 03:00`` (days of the month).

The begin is a time on the wall clock of a time zone; the length is real time. A begin that the change to summer time leaves out is
taken an hour later; one that the change back has twice is the first of the two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from neural.monitoring.store.rows import Silence

LONGEST_SECONDS = 7 * 86400.0
"""One opening lasts a week at most: longer is better said without ``every``."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"(?:{'|'.join(_DAYS)})"
_WHEN = f"(?:daily|{_DAY}(?:-{_DAY})?|[1-9]|[12][0-9]|3[01])"
RECURRENCE_PATTERN = f"^{_WHEN}(?:,{_WHEN})* (?:[01]?[0-9]|2[0-3]):[0-5][0-9]$"
"""The form as a regular expression, for a schema. Large letters and more spaces are read too."""
_FORM = re.compile(r"(?P<days>[a-z0-9,\-]+) (?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)")
_EXAMPLES = "write for example sat,sun 22:00, mon-fri 01:30, daily 02:00 or 1,15 03:00"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Days of the week (0 is Monday) and of the month on which it opens, and the time of day."""

    weekdays: frozenset[int]
    month_days: frozenset[int]
    at: time

    def opens_on(self, day: date) -> bool:
        """Whether it opens on this day."""
        return day.weekday() in self.weekdays or day.day in self.month_days


@lru_cache(maxsize=256)
def parse_recurrence(text: str) -> Recurrence:
    """Raises ValueError with examples."""
    match = _FORM.fullmatch(" ".join(text.lower().split()))
    if match is None:
        raise ValueError(f"{text!r} is not a recurrence: {_EXAMPLES}")
    weekdays: set[int] = set()
    month_days: set[int] = set()
    for part in match["days"].split(","):
        if part.isdigit() and 1 <= int(part) <= 31:
            month_days.add(int(part))
        else:
            weekdays.update(_weekdays(part, text))
    return Recurrence(frozenset(weekdays), frozenset(month_days), time(int(match["hour"]), int(match["minute"])))


def open_since(silence: Silence, now: float) -> float | None:
    """When the window that is open at ``now`` began (Unix seconds); None while it is shut. One without ``every`` is open from begin to end."""
    if not silence.starts_at <= now < silence.ends_at:
        return None
    if not silence.every:
        return silence.starts_at
    begins = (start for start in _starts(silence, now) if start <= now < start + silence.lasts)
    return max(begins, default=None)


def _starts(silence: Silence, now: float) -> Iterator[float]:
    """The begins on the days that could still be open."""
    recurrence, zone = parse_recurrence(silence.every), ZoneInfo(silence.time_zone)
    today = datetime.fromtimestamp(math.floor(now), zone).date()
    for back in range(math.ceil(silence.lasts / 86400.0) + 2):
        day = today - timedelta(days=back)
        if recurrence.opens_on(day):
            yield datetime.combine(day, recurrence.at, zone).timestamp()


def zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises ValueError with an example."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone: write for example UTC or Europe/Berlin") from None


def _weekdays(part: str, text: str) -> Iterator[int]:
    if part == "daily":
        yield from range(7)
        return
    first, dash, last = part.partition("-")
    if first not in _DAYS or (dash and last not in _DAYS):
        raise ValueError(f"{text!r}: {part!r} is no day: {_EXAMPLES}")
    begin = _DAYS.index(first)
    end = _DAYS.index(last) if dash else begin
    yield from ((begin + step) % 7 for step in range((end - begin) % 7 + 1))
