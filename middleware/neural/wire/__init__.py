"""What the model server and the sidecar share: the records, and their bytes. Standard library only.

The reader, ``neural.wire.decode``, is not among these names: a model server only writes, and does not load it.
"""

from __future__ import annotations

from neural.wire.encode import CONTENT_TYPE, encode_batch
from neural.wire.event import CaptureBatch, CaptureEvent, Flag, Ledger, Outcome, Protocol
from neural.wire.limits import DEFAULT_LIMITS, Limits, WireError

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
    "encode_batch",
]
