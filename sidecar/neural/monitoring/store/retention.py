"""Old state goes: by age of each kind, then the oldest first until the file fits its ceiling."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from neural.monitoring.store.codec import dumps
from neural.monitoring.store.database import Database

SIZE_STEPS = 50
"""Under size pressure, history is cut in steps of this fraction of its length: fine enough not to lose much more than needed."""

_SETTLED_MESSAGES = "DELETE FROM outbox WHERE state IN ('delivered', 'dead') AND created_at < ?"
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


def by_age(database: Database, keep_seconds: Mapping[str, float], now: float) -> int:
    """Delete rows older than their kind's age.

    Kinds: ``signals``, ``reports`` (all kinds not named themselves), ``alerts`` (with silences and messages), ``outbox``, ``slo``, ``report:<kind>``,
    ``blob:<kind>``. Kinds the store does not hold (``predictions``) are another room's and left alone.
    """
    deleted = 0
    for kind, seconds in keep_seconds.items():
        before = now - seconds
        if kind == _SIGNALS:
            deleted += _delete_points(database, before)
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
