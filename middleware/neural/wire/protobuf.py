"""The few pieces of the protobuf encoding that the batch needs (https://protobuf.dev/programming-guides/encoding/)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from neural.wire.limits import WireError

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5
_FIXED_WIDTH: Final = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT_BITS: Final = 64
_U64: Final = 2**64


def varint(value: int) -> bytes:
    """Base-128, least significant group first. ``value`` must fit an unsigned 64-bit integer."""
    if not 0 <= value < _U64:
        raise WireError("out_of_range", f"{value} is no unsigned 64-bit integer")
    if value < 0x80:
        return value.to_bytes(1, "little")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def uint_field(number: int, value: int) -> bytes:
    """A scalar; nothing when it is 0, as proto3 asks."""
    return tag(number, VARINT) + varint(value) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """A length-delimited field, written also when it is empty (an entry of a repeated field)."""
    return tag(number, BYTES) + varint(len(value)) + value


def text_field(number: int, value: str) -> bytes:
    """A string; nothing when it is empty. Lone surrogates become "?"."""
    return bytes_field(number, utf8(value)) if value else b""


def utf8(value: str) -> bytes:
    """Never raises: a path with undecodable bytes must not stop a batch."""
    return value.encode("utf-8", "replace")


def read_varint(data: memoryview, at: int) -> tuple[int, int]:
    """(value, next position)."""
    shift = value = 0
    while shift < _MAX_VARINT_BITS:
        if at >= len(data):
            raise WireError("truncated", "in a varint")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= _U64:
                break
            return value, at
        shift += 7
    raise WireError("varint", "more than 64 bits")


def read_fields(data: memoryview, max_fields: int) -> Iterator[tuple[int, int, int | memoryview]]:
    """(field number, wire type, value) of each field in order: an int for a varint, the raw bytes for everything else."""
    at = count = 0
    end = len(data)
    while at < end:
        count += 1
        if count > max_fields:
            raise WireError("too_many_fields", f"over {max_fields}")
        key, at = read_varint(data, at)
        number, wire_type = key >> 3, key & 7
        if not 0 < number < 2**29:
            raise WireError("field_number", str(number))
        if wire_type == VARINT:
            value, at = read_varint(data, at)
            yield number, wire_type, value
            continue
        if wire_type == BYTES:
            length, at = read_varint(data, at)
        elif wire_type in _FIXED_WIDTH:
            length = _FIXED_WIDTH[wire_type]
        else:
            raise WireError("wire_type", str(wire_type))
        if length > end - at:
            raise WireError("truncated", f"field {number} wants {length} bytes, {end - at} are left")
        yield number, wire_type, data[at : at + length]
        at += length
