"""Batch to bytes. The layout is proto/neural/capture/v1/capture.proto; tests hold it to Google's encoder, byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from neural.wire.columns import Buffer, Columns, HeaderColumns, transpose
from neural.wire.event import CaptureBatch, Ledger
from neural.wire.limits import WireError
from neural.wire.protobuf import BYTES, bytes_field, tag, text_field, uint_field, utf8, varint

CONTENT_TYPE: Final = "application/x-protobuf"
_SMALL_BODIES: Final = 256 * 1024  # of a whole batch: joined, because handling hundreds of parts costs more than copying them
_STRING_HEADS: Final = [tag(8, BYTES) + varint(length) for length in range(128)]  # of short strings


def encode_batch(batch: CaptureBatch) -> bytes:
    """The batch as protobuf. Raises WireError when a number does not fit its column."""
    return b"".join(encode_columns(batch, transpose(batch.events)))


def encode_columns(head: CaptureBatch, columns: Columns) -> list[Buffer]:
    """The same from columns, as parts to be sent one after another: large bodies are not copied into one message.

    ``head.events`` is not looked at.
    """
    try:
        parts, table = _write_columns(columns)
    except (struct.error, ValueError, OverflowError) as error:  # ValueError: bytes() of a number over 255
        raise WireError("out_of_range", str(error)) from error
    front = [_write_head(head), uint_field(7, len(columns.started_unix_ns)), *_strings(table)]
    return [b"".join(front), *parts]


def _write_head(batch: CaptureBatch) -> bytes:
    resource = [bytes_field(4, text_field(1, key) + text_field(2, value)) for key, value in batch.resource.items()]
    return b"".join(
        [
            text_field(1, batch.source),
            uint_field(2, batch.sequence),
            bytes_field(3, _write_ledger(batch.ledger)),
            *resource,
            text_field(5, batch.degraded),
            uint_field(6, batch.overhead_ns),
        ]
    )


def _write_ledger(ledger: Ledger) -> bytes:
    dropped = [bytes_field(4, text_field(1, reason) + uint_field(2, count)) for reason, count in ledger.dropped.items()]
    return b"".join(
        [
            uint_field(1, ledger.seen),
            uint_field(2, ledger.shipped),
            uint_field(3, ledger.sampled_out),
            *dropped,
            uint_field(5, ledger.in_flight),
        ]
    )


class _StringTable(dict[bytes, int]):
    """Text in UTF-8 to index; a new text gets the next one."""

    def __missing__(self, text: bytes) -> int:
        index = self[text] = len(self)
        return index


def _strings(table: _StringTable) -> list[bytes]:
    heads, parts = _STRING_HEADS, []
    for text in table:
        length = len(text)
        parts.append(heads[length] if length < len(heads) else tag(8, BYTES) + varint(length))
        parts.append(text)
    return parts


def _write_columns(columns: Columns) -> tuple[list[Buffer], _StringTable]:
    table = _StringTable()
    c = columns
    parts: list[Buffer] = [
        *_texts(10, c.prediction_id),
        _packed(12, "Q", c.started_unix_ns, None),
        _packed(13, "Q", c.duration_ns, 0),
        _packed(14, "Q", c.first_byte_ns, 0),
        _octets(15, c.protocol),
        _octets(16, c.outcome),
        _packed(17, "I", c.flags, 0),
        _packed(18, "I", c.status, 0),
        _packed(19, "i", c.grpc_status, -1),
        _coded(20, table, c.method, "POST"),
        _coded(21, table, c.path, "/"),
        _coded(22, table, c.query, ""),
        _coded(23, table, c.model, ""),
        _coded(24, table, c.version, ""),
        *_texts(25, c.traceparent),
        *_texts(27, c.span_id),
        _packed(29, "d", c.sampling_fraction, 1.0),
        _packed(30, "Q", c.request_size, 0),
        _packed(31, "Q", c.response_size, 0),
        *_bodies(32, c.request_chunks, c.request_lengths),
        *_bodies(34, c.response_chunks, c.response_lengths),
        *_headers(36, table, c.request_headers),
        *_headers(39, table, c.response_headers),
    ]
    return [part for part in parts if part], table


def _packed(number: int, code: str, values: Sequence[int] | Sequence[float], default: float | None) -> bytes:
    """A packed column of ``struct`` code I, i, Q or d; nothing when every value is the default."""
    count = len(values)
    if not count or (default is not None and values.count(default) == count):
        return b""
    return bytes_field(number, struct.pack(f"<{count}{code}", *values))


def _octets(number: int, values: Sequence[int]) -> bytes:
    octets = bytes(values)
    return bytes_field(number, octets) if octets.strip(b"\0") else b""


def _texts(number: int, values: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Texts that differ from event to event: all of them in one block, and their lengths under the next number."""
    joined = b"".join(values)
    if not joined:
        return b"", b""
    return bytes_field(number, joined), _packed(number + 1, "I", [*map(len, values)], None)


def _coded(number: int, table: _StringTable, values: Sequence[str], default: str) -> bytes:
    """Texts that repeat: indexes into the string table."""
    indexes = dict.fromkeys(values, 0)  # each text once, in the order of its first event
    if not indexes or (len(indexes) == 1 and default in indexes):
        return b""
    for text in indexes:
        indexes[text] = table[utf8(text)]
    if len(indexes) == 1:
        return bytes_field(number, struct.pack("<I", *indexes.values()) * len(values))
    return _packed(number, "I", [*map(indexes.__getitem__, values)], None)


def _bodies(number: int, chunks: Sequence[Buffer], lengths: Sequence[int]) -> list[Buffer]:
    total = sum(lengths)
    if not total:
        return []
    if total <= _SMALL_BODIES:
        chunks = [b"".join(chunks)]
    return [tag(number, BYTES) + varint(total), *chunks, _packed(number + 1, "I", lengths, None)]


def _headers(number: int, table: _StringTable, headers: HeaderColumns) -> tuple[bytes, bytes, bytes]:
    if not headers.names:
        return b"", b"", b""
    counts, names = headers.counts, list(headers.names)
    first, events = counts[0], len(counts)
    if first and len(names) == first * events and names == names[:first] * events and counts.count(first) == events:
        # Events of one client have the same headers in the same order.
        packed_counts = bytes_field(number, struct.pack("<I", first) * events)
        indexes = struct.pack(f"<{first}I", *map(table.__getitem__, names[:first]))
        packed_names = bytes_field(number + 1, indexes * events)
    else:
        packed_counts = _packed(number, "I", counts, None)
        packed_names = _packed(number + 1, "I", [*map(table.__getitem__, names)], None)
    return packed_counts, packed_names, _packed(number + 2, "I", [*map(table.__getitem__, headers.values)], None)
