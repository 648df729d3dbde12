"""The state store on SQLite. What each method promises is said in ``protocol.Store``."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.errors import StoreError
from neural.monitoring.signal import Signal
from neural.monitoring.store import retention
from neural.monitoring.store import signals as signal_table
from neural.monitoring.store.codec import dumps, loads, make_row
from neural.monitoring.store.database import Database
from neural.monitoring.store.rows import AlertRow, OutboxRow, Report, Silence

STATE_FILE = "state.db"
"""The state file's name in the storage path."""


class SQLiteStore:
    """State in a SQLite database; one process writes, any number read. All methods are thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def where(self) -> str:
        """The file's path, or "memory"."""
        return self._database.where

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        with self._database.transaction():
            yield

    def write_signals(self, signals: Iterable[Signal]) -> None:
        with self._database.transaction() as connection:
            signal_table.write(connection, signals)

    def read_signals(
        self,
        names: Sequence[str] | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
        every: float | None = None,
    ) -> list[Signal]:
        with self._database.reading() as connection:
            return signal_table.read(connection, names, labels, since=since, until=until, limit=limit, every=every)

    def latest_signals(self, names: Sequence[str] | None = None, *, labels: Mapping[str, str] | None = None) -> list[Signal]:
        with self._database.reading() as connection:
            return signal_table.latest(connection, names, labels)

    def add_report(self, report: Report) -> None:
        self._write(
            "INSERT INTO reports (kind, time, model, version, body) VALUES (?, ?, ?, ?, ?)",
            (report.kind, report.time, report.model, report.version, dumps(report.body)),
        )

    def reports(
        self, kind: str, *, limit: int = 100, since: float | None = None, until: float | None = None, model: str | None = None
    ) -> list[Report]:
        rows = self._read(
            "SELECT kind, time, model, version, body FROM reports WHERE kind = ? AND time >= coalesce(?, -9e999) "
            "AND time <= coalesce(?, 9e999) AND model = coalesce(?, model) ORDER BY time DESC, id DESC LIMIT ?",
            kind, since, until, model, limit,
        )  # fmt: skip
        return [Report(kind, time, name, version, loads(body)) for kind, time, name, version, body in reversed(rows)]

    def put_alert(self, alert: AlertRow) -> None:
        self._write(
            "INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?, ?)",
            (alert.alert_id, alert.state, alert.severity, alert.started_at, alert.updated_at, _body(alert)),
        )

    def alerts(
        self,
        *,
        since: float | None = None,
        states: Sequence[str] | None = None,
        severity: str | None = None,
        limit: int | None = None,
    ) -> list[AlertRow]:
        wanted = None if states is None else dumps(list(states))
        rows = self._read(
            "SELECT body FROM alerts WHERE updated_at >= coalesce(?, -9e999) AND severity = coalesce(?, severity) "
            "AND (? IS NULL OR state IN (SELECT value FROM json_each(?))) ORDER BY started_at DESC, alert_id LIMIT ?",
            since, severity, wanted, wanted, _limit(limit),
        )  # fmt: skip
        return [make_row(AlertRow, loads(body)) for (body,) in rows]

    def put_silence(self, silence: Silence) -> None:
        self._write(
            "INSERT OR REPLACE INTO silences VALUES (?, ?, ?, ?)",
            (silence.silence_id, silence.starts_at, silence.ends_at, _body(silence)),
        )

    def silences(self, *, active_at: float | None = None) -> list[Silence]:
        rows = self._read(
            "SELECT body FROM silences WHERE starts_at <= coalesce(?, 9e999) AND ends_at > coalesce(?, -9e999) "
            "ORDER BY starts_at, silence_id",
            active_at, active_at,
        )  # fmt: skip
        return [make_row(Silence, loads(body)) for (body,) in rows]

    def put_outbox(self, row: OutboxRow) -> None:
        self._write(
            "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (message_id) DO UPDATE SET channel = excluded.channel, "
            "state = excluded.state, created_at = excluded.created_at, next_attempt_at = excluded.next_attempt_at, body = excluded.body",
            (row.message_id, row.channel, row.state, row.created_at, row.next_attempt_at, _body(row)),
        )

    def outbox(
        self,
        *,
        state: str | None = None,
        due_at: float | None = None,
        channel: str | None = None,
        message_id: str | None = None,
        limit: int | None = None,
    ) -> list[OutboxRow]:
        # With a message's id nothing else narrows the search: the "+" keeps the other indices out.
        plus = "+" if message_id is not None else ""
        asked = (
            ("message_id = ?", message_id),
            (f"{plus}state = ?", state),
            (f"{plus}channel = ?", channel),
            ("next_attempt_at <= ?", due_at),
        )
        where = [(clause, value) for clause, value in asked if value is not None]  # plain equalities, so that the index is used
        rows = self._read(
            f"SELECT body FROM outbox WHERE {' AND '.join(['1', *(clause for clause, _ in where)])} "  # noqa: S608 - fixed clauses
            "ORDER BY created_at, rowid LIMIT ?",
            *(value for _, value in where), _limit(limit),
        )  # fmt: skip
        return [make_row(OutboxRow, loads(body)) for (body,) in rows]

    def add_slo_counts(self, slo: str, slot: float, good: float, total: float) -> None:
        self.add_many_slo_counts([(slo, slot, good, total)])

    def add_many_slo_counts(self, rows: Iterable[tuple[str, float, float, float]]) -> None:
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO slo_counts VALUES (?, ?, ?, ?)", rows)

    def slo_counts(self, slo: str, *, since: float, until: float) -> list[tuple[float, float, float]]:
        return self._read(
            "SELECT slot, good, total FROM slo_counts WHERE slo = ? AND slot >= ? AND slot < ? ORDER BY slot", slo, since, until
        )

    def put_blob(self, kind: str, key: str, data: bytes, *, time: float = 0.0) -> None:
        self._write("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)", (kind, key, time, data))

    def blob(self, kind: str, key: str) -> bytes | None:
        rows = self._read("SELECT data FROM blobs WHERE kind = ? AND key = ?", kind, key)
        return bytes(rows[0][0]) if rows else None

    def blobs(self, kind: str, *, since: float | None = None) -> list[tuple[str, float, bytes]]:
        return self._read(
            "SELECT key, time, data FROM blobs WHERE kind = ? AND time >= coalesce(?, -9e999) ORDER BY time, key", kind, since
        )

    def delete_blobs(self, kind: str, *, before: float) -> int:
        return self._write("DELETE FROM blobs WHERE kind = ? AND time < ?", (kind, before))

    def put_value(self, key: str, value: Any) -> None:
        self._write("INSERT OR REPLACE INTO key_values VALUES (?, ?)", (key, dumps(value)))

    def value(self, key: str, default: Any = None) -> Any:
        rows = self._read("SELECT value FROM key_values WHERE key = ?", key)
        return loads(rows[0][0]) if rows else default

    def apply_retention(self, keep_seconds: Mapping[str, float], *, now: float, max_bytes: int | None = None) -> int:
        deleted = retention.by_age(self._database, keep_seconds, now)
        if max_bytes is not None:
            deleted += retention.by_size(self._database, max_bytes)
        if deleted:
            self._database.compact()
        return deleted

    def size_bytes(self) -> int:
        """Bytes in use, free pages and write-ahead log left out."""
        return self._database.size_bytes()

    def close(self) -> None:
        self._database.close()

    def _write(self, statement: str, values: tuple[Any, ...]) -> int:
        with self._database.transaction() as connection:
            return connection.execute(statement, values).rowcount

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._database.reading() as connection:
            return connection.execute(query, values).fetchall()


def _body(row: Any) -> str:
    return dumps({field.name: getattr(row, field.name) for field in fields(row)})


def _limit(limit: int | None) -> int:
    return -1 if limit is None else limit  # SQLite's way to say "all"


def open_store(path: Path | str, *, read_only: bool = False, fsync: bool = False, clock: Clock = system_clock) -> SQLiteStore:
    """Open ``<path>/state.db``, made if need be.

    With ``read_only`` nothing is made or changed, and another process may be writing. A killed process loses no transaction that
    was committed; with ``fsync`` neither does a power cut, at the price of a disk write a transaction. Raises StoreError, one line, when the
    folder is missing (read-only) or can't be written, or when the file is a newer version's.
    """
    folder = Path(path)
    file = folder / STATE_FILE
    if read_only and not file.is_file():
        raise StoreError(
            f"{folder}: no monitoring data here ({STATE_FILE} is missing): start the sidecar, or give another storage path"
        )
    try:
        if not read_only:
            folder.mkdir(parents=True, exist_ok=True)
        return SQLiteStore(Database(file, read_only=read_only, fsync=fsync, clock=clock))
    except OSError as error:
        raise StoreError(f"{folder}: can't be used as storage path: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{file}: {error}") from error


def MemoryStore() -> SQLiteStore:  # noqa: N802 - reads as the class it stands for
    """A store that forgets: the same tables in memory, for tests and for monitors without a storage path."""
    return SQLiteStore(Database(None))
