"""How data comes in: endpoints, the journal behind them, and the rule that only journalled data is acknowledged."""

from __future__ import annotations

from neural.monitoring.ingest.bearer import is_allowed
from neural.monitoring.ingest.cloudevents import CloudEventSettings
from neural.monitoring.ingest.dedup import Deduplicator
from neural.monitoring.ingest.grpc_ingest import build_grpc_server
from neural.monitoring.ingest.journal import Entry, EntryKind, FsyncPolicy, Journal, JournalFull, Position
from neural.monitoring.ingest.labels import canonical_labels, parse_time, read_labels
from neural.monitoring.ingest.refusal import Refused
from neural.monitoring.ingest.routes import ingest_routes
from neural.monitoring.ingest.service import BatchLimits, IngestService, Receipt

__all__ = [
    "BatchLimits",
    "CloudEventSettings",
    "Deduplicator",
    "Entry",
    "EntryKind",
    "FsyncPolicy",
    "IngestService",
    "Journal",
    "JournalFull",
    "Position",
    "Receipt",
    "Refused",
    "build_grpc_server",
    "canonical_labels",
    "ingest_routes",
    "is_allowed",
    "parse_time",
    "read_labels",
]
