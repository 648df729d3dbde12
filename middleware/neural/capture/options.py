"""The settings as keywords of a constructor, for type checkers and editors: what they mean stands in ``settings.py``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict


class Options(TypedDict, total=False):
    """Every setting but those that the constructors name themselves; None counts as not given. A text is split at commas."""

    enabled: bool | None
    service: str | None
    resource: Iterable[str] | None
    exclude: Iterable[str] | None
    id_header: str | None
    grpc_id: bool | None
    model_header: str | None
    version_header: str | None
    headers: Iterable[str] | None
    query: bool | None
    max_request_body: int | None
    max_response_body: int | None
    sample: float | None
    keep_errors: bool | None
    keep_slow: float | None
    redact: Iterable[str] | None
    ring_bytes: int | None
    ring_events: int | None
    batch_events: int | None
    batch_bytes: int | None
    flush_interval: float | None
    heartbeat_interval: float | None
    timeout: float | None
    max_backoff: float | None
    shutdown_timeout: float | None
    degrade: bool | None
    overhead_budget: float | None
    ca_file: str | None
    cert_file: str | None
    key_file: str | None
    token: str | None
