"""The state store: signals, reports, alerts, outbox, SLO counts, blobs; one SQLite file, one writer, many readers."""

from __future__ import annotations

from neural.monitoring.store.protocol import Store
from neural.monitoring.store.rows import AlertRow, OutboxRow, Report, Silence
from neural.monitoring.store.sqlite import STATE_FILE, MemoryStore, SQLiteStore, open_store

__all__ = ["STATE_FILE", "AlertRow", "MemoryStore", "OutboxRow", "Report", "SQLiteStore", "Silence", "Store", "open_store"]
