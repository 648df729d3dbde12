"""Old state goes: by age of each kind, then the oldest first until the file fits its ceiling."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from neural.monitoring.store.codec import dumps
from neural.monitoring.store.database import Database

SIZE_STEPS = 50
"""Under size pressure, history is cut in steps of this fraction of its length: fine enough not to lose much more than needed."""

_SETTLED_MESSAGES = "DELETE FROM outbox WHERE state IN ('delivered', 'dead', 'withdrawn') AND created_at < ?"
_BY_AGE: Mapping[str, tuple[str, ...]] = {
    "alerts": (
        "DELETE FROM alerts WHERE state IN ('resolved', 'suppressed') AND updated_at < ?",
        "DELETE FROM silences WHERE ends_at < ?",
        _SETTLED_MESSAGES,
    ),
    "outbox": (_SETTLED_MESSAGES,),
    "slo": ("DELETE FROM slo_counts WHERE slot < ?",),
}
"""What is still open (a firing alert, a queued message, a silence in force) stays whatever its age."""
_REPORTS = "reports"
_SIGNALS = "signals"


FULL_SECONDS = 8 * 86400.0
"""Signals stay at full resolution for this long (a week's backtest, and a day), unless ``signals_full`` says otherwise."""
THIN_EVERY_SECONDS = 300.0
"""Older ones keep one point in such a slice: the newest, and every one with a verdict of its own."""
_THIN_STEP_SECONDS = 3600.0
_THINNED_UNTIL = "store.thinned_until"
_THIN = """
DELETE FROM points WHERE series_id = :series AND time >= :begin AND time < :end AND verdict IS NULL AND time NOT IN (
    SELECT max(time) FROM points WHERE series_id = :series AND time >= :begin AND time < :end GROUP BY CAST(time / :every AS INTEGER)
)
"""


def by_age(database: Database, keep_seconds: Mapping[str, float], now: float) -> int:
    """Delete rows older than their kind's age.

    Kinds: ``signals`` (``signals_full``: how long at full resolution), ``reports`` (all kinds not named themselves),
    ``alerts`` (with silences and messages), ``outbox``, ``slo``, ``report:<kind>``, ``blob:<kind>``. Kinds the store does not
    hold (``predictions``) are another room's and left alone.
    """
    deleted = 0
    for kind, seconds in keep_seconds.items():
        before = now - seconds
        if kind == _SIGNALS:
            deleted += _delete_points(database, before) + _thin(database, now - keep_seconds.get("signals_full", FULL_SECONDS))
        elif kind == _REPORTS:
            own = dumps([name.removeprefix("report:") for name in keep_seconds if name.startswith("report:")])
            deleted += _run(
                database, "DELETE FROM reports WHERE time < ? AND kind NOT IN (SELECT value FROM json_each(?))", before, own
            )
        elif kind.startswith("report:"):
            deleted += _run(database, "DELETE FROM reports WHERE time < ? AND kind = ?", before, kind.removeprefix("report:"))
        elif kind.startswith("blob:"):
            deleted += _run(database, "DELETE FROM blobs WHERE time < ? AND kind = ?", before, kind.removeprefix("blob:"))
        else:
            deleted += sum(_run(database, statement, before) for statement in _BY_AGE.get(kind, ()))
    return deleted


def by_size(database: Database, max_bytes: int) -> int:
    """Cut the oldest signals, reports and settled messages, a step at a time, until what is left fits. Returns rows deleted."""
    deleted = 0
    while database.size_bytes() > max_bytes:
        span = _span(database)
        if span is None:
            break
        oldest, newest = span
        before = oldest + max((newest - oldest) / SIZE_STEPS, 1e-6)
        step = _delete_points(database, before) + _run(database, "DELETE FROM reports WHERE time < ?", before)
        step += _run(database, _SETTLED_MESSAGES, before) + _run(database, _BY_AGE["alerts"][0], before)
        deleted += step
        if not step:
            break
    return deleted


def _run(database: Database, statement: str, *values: float | str) -> int:
    with database.transaction() as connection:
        return connection.execute(statement, values).rowcount


def _delete_points(database: Database, before: float) -> int:
    """Points before the time, a series at a time (the key's order)."""
    with database.transaction() as connection:
        numbers = [number for (number,) in connection.execute("SELECT id FROM series")]
        deleted = sum(_delete_series_points(connection, number, before) for number in numbers)
        connection.execute("DELETE FROM latest WHERE time < ?", (before,))
        connection.execute("DELETE FROM series WHERE id NOT IN (SELECT series_id FROM latest)")
    return deleted


def _thin(database: Database, before: float) -> int:
    """Thin out what has become old since the last time, an hour of it at least; whole slices only."""
    end = before // THIN_EVERY_SECONDS * THIN_EVERY_SECONDS
    with database.transaction() as connection:
        row = connection.execute("SELECT value FROM key_values WHERE key = ?", (_THINNED_UNTIL,)).fetchone()
        begin = float(row[0]) if row else float("-inf")
        if end - begin < _THIN_STEP_SECONDS:
            return 0
        numbers = [number for (number,) in connection.execute("SELECT id FROM series").fetchall()]
        wanted = {"begin": begin, "end": end, "every": THIN_EVERY_SECONDS}
        deleted = sum(connection.execute(_THIN, {**wanted, "series": number}).rowcount for number in numbers)
        connection.execute("INSERT OR REPLACE INTO key_values VALUES (?, ?)", (_THINNED_UNTIL, repr(end)))
    return deleted


def _delete_series_points(connection: sqlite3.Connection, series_id: int, before: float) -> int:
    return connection.execute("DELETE FROM points WHERE series_id = ? AND time < ?", (series_id, before)).rowcount


def _span(database: Database) -> tuple[float, float] | None:
    """Oldest and newest time among what may be cut, or None when there is nothing."""
    with database.reading() as connection:
        oldest = [connection.execute("SELECT min(time) FROM points WHERE series_id = ?", row).fetchone()[0]
                  for row in connection.execute("SELECT id FROM series").fetchall()]  # fmt: skip
        newest = connection.execute("SELECT max(time) FROM latest").fetchone()
        reports = connection.execute("SELECT min(time), max(time) FROM reports").fetchone()
    times = [time for time in (*oldest, *newest, *reports) if time is not None]
    return (min(times), max(times)) if times else None
