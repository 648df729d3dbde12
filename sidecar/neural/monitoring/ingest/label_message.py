"""``LabelBatch``, the protobuf message of labels, as the JSON that the other doors take: one set of checks for all of them."""

from __future__ import annotations

import struct
from typing import Any, Final

import orjson

from neural.monitoring.ingest.labels import MAX_LABELS
from neural.monitoring.ingest.refusal import Refused
from neural.wire import WireError
from neural.wire.message import decode_utf8
from neural.wire.protobuf import FIXED64, VARINT, read_fields

_MAX_FIELDS: Final = 16  # of one label
_ID, _TEXT, _NUMBER, _TRUTH, _TIME = 1, 2, 3, 4, 5


def labels_json(message: bytes) -> bytes:
    """``{"labels": [{"id", "label", "time"}, …]}``. Raises Refused."""
    try:
        items = [_label(value) for number, _, value in read_fields(memoryview(message), MAX_LABELS + 1) if number == 1]
    except WireError as error:
        status = 413 if error.reason.startswith("too_") else 400
        raise Refused(status, "bad_labels", f"no LabelBatch: {error}") from None
    return orjson.dumps({"labels": items})


def _label(item: int | memoryview) -> dict[str, Any]:
    """One label; of several values the last one counts, as protobuf has it."""
    if isinstance(item, int):
        raise WireError("wire_type", "a label as a number")
    found: dict[str, Any] = {}
    for number, wire_type, value in read_fields(item, _MAX_FIELDS):
        if number in (_ID, _TEXT) and isinstance(value, memoryview) and wire_type != FIXED64:
            found["id" if number == _ID else "label"] = decode_utf8(value)
        elif number in (_NUMBER, _TIME) and wire_type == FIXED64 and isinstance(value, memoryview):
            found["label" if number == _NUMBER else "time"] = struct.unpack("<d", value)[0]
        elif number == _TRUTH and wire_type == VARINT:
            found["label"] = bool(value)
    if found.get("time") == 0.0:
        del found["time"]  # not given
    return found
