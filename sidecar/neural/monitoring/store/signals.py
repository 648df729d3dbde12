"""Signals in two tables: a row per series, and a narrow row per point, so that a minute of 500 signals costs a few milliseconds.

A verdict is kept whole with the newest point of its series and where the outcome changed; while a series stays bad its points
keep the verdict without the evidence; other points have none.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store.codec import canonical, dump_verdict, dumps, load_verdict, loads

_Key = tuple[str, str]
_READ = """
SELECT series_id, time, value, verdict FROM points WHERE series_id IN (SELECT value FROM json_each(?))
AND time >= ? AND time <= ? ORDER BY time DESC, series_id DESC LIMIT ?
"""
_RANGE = """
SELECT (SELECT min((SELECT min(time) FROM points WHERE series_id = wanted.value)) FROM json_each(?) AS wanted),
       (SELECT max((SELECT max(time) FROM points WHERE series_id = wanted.value)) FROM json_each(?) AS wanted)
"""
_READ_SAMPLED = """
WITH RECURSIVE slice (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM slice WHERE n < :last),
newest (series_id, time) AS (
    SELECT wanted.value, (
        SELECT max(points.time) FROM points WHERE points.series_id = wanted.value
        AND points.time >= max(:low, n * :every) AND points.time < (n + 1) * :every AND points.time <= :high
    ) FROM json_each(:ids) AS wanted CROSS JOIN slice
)
SELECT points.series_id, points.time, points.value, points.verdict FROM newest
JOIN points ON points.series_id = newest.series_id AND points.time = newest.time
ORDER BY points.time DESC, points.series_id DESC LIMIT :rows
"""
_PUT_LATEST = """
INSERT INTO latest VALUES (?, ?, ?, ?, ?) ON CONFLICT (series_id) DO UPDATE
SET time = excluded.time, value = excluded.value, verdict = excluded.verdict, outcome = excluded.outcome
WHERE excluded.time >= latest.time
"""


def write(connection: sqlite3.Connection, signals: Iterable[Signal]) -> None:
    """Insert, or replace where the series already has a point of that time."""
    rows = sorted(((s.name, canonical(s.labels), s) for s in signals), key=lambda row: row[2].time)
    if not rows:
        return
    outcomes = _known_series(connection, {name for name, _, _ in rows})
    missing = {(name, labels) for name, labels, _ in rows} - outcomes.keys()
    if missing:
        connection.executemany("INSERT INTO series (name, labels) VALUES (?, ?)", sorted(missing))
        outcomes.update(_known_series(connection, {name for name, _ in missing}, only=missing))
    points: list[tuple[int, float, float | None, str | None]] = []
    newest: list[tuple[int, float, float | None, str | None, str | None]] = []
    for name, labels, signal in rows:
        series_id, before = outcomes[name, labels]
        verdict = signal.verdict
        outcome = str(verdict.outcome) if verdict else None
        full = dump_verdict(verdict) if verdict else None
        points.append((series_id, signal.time, signal.value, _kept(verdict, full, before)))
        newest.append((series_id, signal.time, signal.value, full, outcome))
        outcomes[name, labels] = (series_id, outcome)
    connection.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?)", points)
    connection.executemany(_PUT_LATEST, newest)


def _kept(verdict: Verdict | None, full: str | None, before: str | None) -> str | None:
    if verdict is None or verdict.outcome != before:
        return full
    if verdict.outcome is Outcome.BAD:
        return dump_verdict(replace(verdict, evidence={})) if verdict.evidence else full
    return None


def _known_series(
    connection: sqlite3.Connection, names: set[str], only: set[_Key] | None = None
) -> dict[_Key, tuple[int, str | None]]:
    found = connection.execute(
        "SELECT name, labels, id, outcome FROM series LEFT JOIN latest ON series_id = id "
        "WHERE name IN (SELECT value FROM json_each(?))",
        (dumps(sorted(names)),),
    )
    return {
        (name, labels): (number, outcome) for name, labels, number, outcome in found if only is None or (name, labels) in only
    }


def _matching(
    connection: sqlite3.Connection, names: Sequence[str] | None, labels: Mapping[str, str] | None
) -> dict[int, tuple[str, dict[str, str]]]:
    """id → (name, labels) of the series that match."""
    wanted = None if names is None else dumps(list(names))
    found = connection.execute(
        "SELECT id, name, labels FROM series WHERE ? IS NULL OR name IN (SELECT value FROM json_each(?))", (wanted, wanted)
    )
    matches: dict[int, tuple[str, dict[str, str]]] = {}
    for number, name, text in found:
        own = loads(text)
        if not labels or all(own.get(key) == value for key, value in labels.items()):
            matches[number] = (name, own)
    return matches


def read(
    connection: sqlite3.Connection,
    names: Sequence[str] | None,
    labels: Mapping[str, str] | None,
    *,
    since: float | None,
    until: float | None,
    limit: int | None,
    every: float | None = None,
) -> list[Signal]:
    """The points with since ≤ time ≤ until; of more than ``limit`` the newest; in time order.

    With ``every`` only the newest point of each series in each slice of so many seconds (slices begin at multiples of it): found by
    index look-ups, a slice at a time, whatever lies between.
    """
    series = _matching(connection, names, labels)
    ids, rows = dumps(list(series)), -1 if limit is None else limit
    if every is None:
        found = connection.execute(_READ, (ids, _low(since), _high(until), rows)).fetchall()
    else:
        found = _sampled(connection, ids, since, until, every, rows)
    return [Signal(series[i][0], value, time, series[i][1], load_verdict(verdict)) for i, time, value, verdict in reversed(found)]


def _sampled(
    connection: sqlite3.Connection, ids: str, since: float | None, until: float | None, every: float, rows: int
) -> list[tuple[int, float, float | None, str | None]]:
    first, last = connection.execute(_RANGE, (ids, ids)).fetchone()
    if first is None:
        return []
    low, high = max(first, _low(since)), min(last, _high(until))
    wanted = {
        "ids": ids,
        "low": low,
        "high": high,
        "every": every,
        "first": math.floor(low / every),
        "last": math.floor(high / every),
    }
    if low > high:
        return []
    return connection.execute(_READ_SAMPLED, {**wanted, "rows": rows}).fetchall()


def latest(connection: sqlite3.Connection, names: Sequence[str] | None, labels: Mapping[str, str] | None) -> list[Signal]:
    """The newest point of every matching series, with its whole verdict, in the order of name and labels."""
    series = _matching(connection, names, labels)
    found = connection.execute(
        "SELECT series_id, time, value, verdict FROM latest WHERE series_id IN (SELECT value FROM json_each(?))",
        (dumps(list(series)),),
    )
    signals = [Signal(series[i][0], value, time, series[i][1], load_verdict(verdict)) for i, time, value, verdict in found]
    return sorted(signals, key=lambda signal: signal.key)


def _low(bound: float | None) -> float:
    return float("-inf") if bound is None else bound


def _high(bound: float | None) -> float:
    return float("inf") if bound is None else bound
