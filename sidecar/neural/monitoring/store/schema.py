"""The tables of the state file, and the steps that bring an older file up to date.

A step is never edited once released: a change is a new step. ``PRAGMA auto_vacuum`` must come before the first table.
"""

from __future__ import annotations

import sqlite3

from neural.monitoring.errors import StoreError

_STEP_1 = """
CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, UNIQUE (name, labels));
CREATE TABLE points (
    series_id INTEGER NOT NULL, time REAL NOT NULL, value REAL, verdict TEXT,
    PRIMARY KEY (series_id, time)
) WITHOUT ROWID;
CREATE TABLE latest (series_id INTEGER PRIMARY KEY, time REAL NOT NULL, value REAL, verdict TEXT, outcome TEXT);
CREATE TABLE reports (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, time REAL NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX reports_by_kind ON reports (kind, time);
CREATE TABLE alerts (
    alert_id TEXT PRIMARY KEY, state TEXT NOT NULL, severity TEXT NOT NULL,
    started_at REAL NOT NULL, updated_at REAL NOT NULL, body TEXT NOT NULL
);
CREATE INDEX alerts_by_start ON alerts (started_at);
CREATE INDEX alerts_by_update ON alerts (updated_at);
CREATE TABLE silences (silence_id TEXT PRIMARY KEY, starts_at REAL NOT NULL, ends_at REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE outbox (
    message_id TEXT PRIMARY KEY, channel TEXT NOT NULL, state TEXT NOT NULL,
    created_at REAL NOT NULL, next_attempt_at REAL NOT NULL, body TEXT NOT NULL
);
CREATE INDEX outbox_in_order ON outbox (state, channel, created_at); -- ties in the order of writing: the rowid ends every index
CREATE TABLE slo_counts (
    slo TEXT NOT NULL, slot REAL NOT NULL, good REAL NOT NULL, total REAL NOT NULL, PRIMARY KEY (slo, slot)
) WITHOUT ROWID;
CREATE TABLE blobs (kind TEXT NOT NULL, key TEXT NOT NULL, time REAL NOT NULL, data BLOB NOT NULL, PRIMARY KEY (kind, key));
CREATE INDEX blobs_by_time ON blobs (kind, time);
CREATE TABLE key_values (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_STEP_2 = """
DROP INDEX IF EXISTS outbox_by_state;
CREATE INDEX IF NOT EXISTS outbox_in_order ON outbox (state, channel, created_at);
"""
"""The first files of version 1 were written before messages were claimed by channel."""

STEPS: tuple[str, ...] = (_STEP_1, _STEP_2)
"""Step n brings a file from version n − 1 to n."""
CURRENT = len(STEPS)


def version_of(connection: sqlite3.Connection) -> int:
    """The file's schema version; 0 for an empty file."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").fetchone()
    if not found:
        return 0
    return int(connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0])


def check_readable(connection: sqlite3.Connection, where: str) -> None:
    """Raise StoreError when the file was written by another version than a reader can understand."""
    version = version_of(connection)
    if version > CURRENT:
        raise StoreError(
            f"{where}: written by a newer version (schema {version}, this one knows {CURRENT}): upgrade neural-monitoring"
        )
    if version == 0:
        raise StoreError(f"{where}: is empty: start the sidecar once, or wait until it has started")
    if version < CURRENT:
        raise StoreError(f"{where}: schema {version} is older than {CURRENT}: start the sidecar once to bring it up to date")


def migrate(connection: sqlite3.Connection, where: str, now: float) -> None:
    """Bring the file to the current version; each step is one transaction, and two processes starting at once do it once."""
    if version_of(connection) > CURRENT:
        check_readable(connection, where)
    if version_of(connection) == CURRENT:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at REAL NOT NULL)")
        for number in range(version_of(connection) + 1, CURRENT + 1):
            for statement in STEPS[number - 1].split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute("INSERT INTO schema_version VALUES (?, ?)", (number, now))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
