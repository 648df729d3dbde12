"""What the model server and the sidecar share: the records, and their bytes. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neural.wire.encode import CONTENT_TYPE, encode_batch
from neural.wire.event import CaptureBatch, CaptureEvent, Flag, Ledger, Outcome, Protocol
from neural.wire.limits import DEFAULT_LIMITS, Limits, WireError

if TYPE_CHECKING:
    from neural.wire.decode import decode_batch

__all__ = [
    "CONTENT_TYPE",
    "DEFAULT_LIMITS",
    "CaptureBatch",
    "CaptureEvent",
    "Flag",
    "Ledger",
    "Limits",
    "Outcome",
    "Protocol",
    "WireError",
    "decode_batch",
    "encode_batch",
]


def __getattr__(name: str) -> Any:
    """The reader is imported where it is asked for: a model server only writes."""
    if name != "decode_batch":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from neural.wire.decode import decode_batch

    globals()[name] = decode_batch
    return decode_batch
