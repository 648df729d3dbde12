"""Bytes to batch. Nothing is trusted: every length, index and number is checked before use; what is wrong is a WireError."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final, TypeVar

from neural.wire.event import NO_HEADERS, CaptureBatch, Flag, Ledger, Outcome, Protocol
from neural.wire.limits import DEFAULT_LIMITS, Limits, WireError
from neural.wire.message import Message, decode_utf8
from neural.wire.protobuf import VARINT, read_fields
from neural.wire.table import EventTable, Lazy, Same, same_or_all

_T = TypeVar("_T")
_PROTOCOLS: Final = tuple(Protocol)
_OUTCOMES: Final = tuple(Outcome)
_FLAGS: Final = tuple(Flag(bits) for bits in range(max(Flag) * 2))  # looking up is ten times as fast as Flag(bits)
_MAX_LEDGER_FIELDS: Final = 1_024
_LARGE_BODY: Final = 4_096  # bytes, on average


def decode_batch(data: bytes | bytearray | memoryview, limits: Limits = DEFAULT_LIMITS) -> CaptureBatch:
    """The batch in ``data``. Raises WireError(reason) for anything that is not a well-formed batch within the limits."""
    view = memoryview(data)
    if len(view) > limits.max_bytes:
        raise WireError("too_large", f"{len(view)} bytes, {limits.max_bytes} are accepted")
    message = Message.read(view, limits)
    count = message.number(7)
    if count > limits.max_events:
        raise WireError("too_many_events", f"{count}, {limits.max_events} are accepted")
    return CaptureBatch(
        source=message.text(1),
        sequence=message.number(2),
        events=_read_events(message, count) if count else (),
        ledger=_read_ledger(message.items(3)),
        resource=_read_pairs(message.items(4)),
        degraded=message.text(5) or "full",
        overhead_ns=message.number(6),
    )


def _read_events(message: Message, n: int) -> EventTable:
    """Everything is checked here; texts, bodies and headers are cut into events' pieces when they are asked for."""
    started = message.packed(12, "Q", n)
    if started is None:
        raise WireError("column_missing", "started_unix_ns")
    columns: dict[str, Sequence[Any] | Lazy] = {
        "prediction_id": _texts(message, 10, n),
        "started_unix_ns": started,
        "duration_ns": _or(message.packed(13, "Q", n), 0, n),
        "first_byte_ns": _or(message.packed(14, "Q", n), 0, n),
        "protocol": _enum(message, 15, n, _PROTOCOLS),
        "outcome": _enum(message, 16, n, _OUTCOMES),
        "status": _or(message.packed(18, "I", n), 0, n),
        "grpc_status": _or(message.packed(19, "i", n), -1, n),
        "method": _coded(message, 20, n, "POST"),
        "path": _coded(message, 21, n, "/"),
        "query": _coded(message, 22, n, ""),
        "model": _coded(message, 23, n, ""),
        "version": _coded(message, 24, n, ""),
        "traceparent": _texts(message, 25, n),
        "span_id": _texts(message, 27, n),
        "sampling_fraction": _fractions(message, n),
        "flags": _flags(message, n),
        "request_size": _or(message.packed(30, "Q", n), 0, n),
        "response_size": _or(message.packed(31, "Q", n), 0, n),
        "request_body": _bodies(message, 32, n),
        "response_body": _bodies(message, 34, n),
        "request_headers": _headers(message, 36, n),
        "response_headers": _headers(message, 39, n),
    }
    return EventTable(n, columns)


def _or(values: Sequence[int] | None, default: int, n: int) -> Sequence[int]:
    return Same(default, n) if values is None else values


def _texts(message: Message, number: int, n: int) -> Sequence[str] | Lazy:
    blob = message.blob(number)
    if blob is None:
        return Same("", n)
    lengths = message.lengths(number + 1, n, blob)
    joined = decode_utf8(blob)
    if joined.isascii():  # then a byte is a character
        return lambda: [joined[start:end] for start, end in _spans(lengths)]
    return [decode_utf8(blob[start:end]) for start, end in _spans(lengths)]


def _spans(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    return pairwise(accumulate(lengths, initial=0))


def _coded(message: Message, number: int, n: int, default: str) -> Sequence[str] | Lazy:
    indexes = message.packed(number, "I", n)
    return Same(default, n) if indexes is None else _look_up(message, number, indexes)


def _look_up(message: Message, number: int, indexes: Sequence[int]) -> Sequence[str] | Lazy:
    strings = message.strings
    if isinstance(indexes, Same):
        _check_index(indexes.value, message, number)
        return Same(strings[indexes.value], len(indexes))
    if len(indexes):
        _check_index(max(indexes), message, number)
    return lambda: [strings[index] for index in indexes]


def _check_index(index: int, message: Message, number: int) -> None:
    if index >= len(message.strings):
        raise WireError("index", f"field {number} points outside the string table")


def _enum(message: Message, number: int, n: int, members: tuple[_T, ...]) -> Sequence[_T] | Lazy:
    blob = message.blob(number)
    if blob is None:
        return Same(members[0], n)
    octets = bytes(blob)
    if len(octets) != n:
        raise WireError("column_length", f"field {number} has {len(octets)} bytes for {n} entries")
    if max(octets) >= len(members):
        raise WireError("enum", f"field {number} has an unknown value")
    return same_or_all([members[octet] for octet in octets])


def _flags(message: Message, n: int) -> Sequence[Flag] | Lazy:
    bits = message.packed(17, "I", n)
    if bits is None:
        return Same(Flag.NONE, n)
    mask = len(_FLAGS) - 1  # a newer sender's flags are left out
    return lambda: same_or_all([_FLAGS[value & mask] for value in bits])


def _fractions(message: Message, n: int) -> Sequence[float]:
    blob = message.blob(29)
    if blob is None:
        return Same(1.0, n)
    if len(blob) != 8 * n:
        raise WireError("column_length", "sampling_fractions")
    fractions = same_or_all(struct.unpack(f"<{n}d", blob))
    if not all(0.0 < fraction <= 1.0 for fraction in fractions):  # also false for NaN
        raise WireError("sampling_fraction", "outside (0, 1]")
    return fractions


def _bodies(message: Message, number: int, n: int) -> Sequence[bytes] | Lazy:
    blob = message.blob(number)
    if blob is None:
        return Same(b"", n)
    lengths = message.lengths(number + 1, n, blob)
    message.check_body(lengths)
    if len(blob) > _LARGE_BODY * n:  # large ones are copied once, small ones cut from one copy of all
        return lambda: [bytes(blob[start:end]) for start, end in _spans(lengths)]
    return lambda: _cut(bytes(blob), lengths)


def _cut(data: bytes, lengths: Sequence[int]) -> list[bytes]:
    return [data[start:end] for start, end in _spans(lengths)]


def _headers(message: Message, number: int, n: int) -> Sequence[Mapping[str, str]] | Lazy:
    counts = message.packed(number, "I", n)
    if counts is None:
        return Same(NO_HEADERS, n)
    total = sum(counts)
    message.check_headers(total)
    names = _header_texts(message, number + 1, total)
    values = _header_texts(message, number + 2, total)
    if isinstance(counts, Same) and counts.value == 1 and isinstance(names, Same) and isinstance(values, Same):
        return Same({names.value: values.value}, n)
    return lambda: same_or_all(_header_sets(counts, *(text() if callable(text) else text for text in (names, values))))


def _header_texts(message: Message, number: int, total: int) -> Sequence[str] | Lazy:
    indexes = message.packed(number, "I", total)
    return _look_up(message, number, _absent(number, total) if indexes is None else indexes)


def _header_sets(counts: Sequence[int], names: Sequence[str], values: Sequence[str]) -> list[Mapping[str, str]]:
    """Events with the same headers share one mapping: nobody changes it."""
    pairs, known = list(zip(names, values, strict=True)), dict[tuple[tuple[str, str], ...], Mapping[str, str]]()
    sets = list[Mapping[str, str]]()
    for start, end in _spans(counts):
        key = tuple(pairs[start:end])
        found = known.get(key)
        if found is None:
            found = known[key] = dict(key)
        sets.append(found)
    return sets


def _absent(number: int, total: int) -> tuple[int, ...]:
    if total:
        raise WireError("column_missing", f"field {number}")
    return ()


def _read_ledger(items: list[memoryview]) -> Ledger:
    numbers: dict[int, int] = {}
    dropped: dict[str, int] = {}
    for item in items:
        for number, _, value in read_fields(item, _MAX_LEDGER_FIELDS):
            if isinstance(value, int):
                numbers[number] = value
            elif number == 4:
                reason, count = _read_count(value)
                dropped[reason] = count
    return Ledger(numbers.get(1, 0), numbers.get(2, 0), numbers.get(3, 0), dropped, numbers.get(5, 0))


def _read_count(item: memoryview) -> tuple[str, int]:
    reason, count = "", 0
    for number, wire_type, value in read_fields(item, _MAX_LEDGER_FIELDS):
        if number == 1 and not isinstance(value, int):
            reason = decode_utf8(value)
        elif number == 2 and wire_type == VARINT and isinstance(value, int):
            count = value
    return reason, count


def _read_pairs(items: list[memoryview]) -> dict[str, str]:
    if len(items) > _MAX_LEDGER_FIELDS:
        raise WireError("too_many_fields", "resource")
    pairs: dict[str, str] = {}
    for item in items:
        texts = {1: "", 2: ""}
        for number, _, value in read_fields(item, _MAX_LEDGER_FIELDS):
            if number in texts and not isinstance(value, int):
                texts[number] = decode_utf8(value)
        pairs[texts[1]] = texts[2]
    return pairs
