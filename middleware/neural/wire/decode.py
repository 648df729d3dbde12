"""Bytes to batch. Nothing is trusted: every length, index and number is checked before use; what is wrong is a WireError."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise, repeat, starmap
from typing import Final, TypeVar

from neural.wire.event import NO_HEADERS, CaptureBatch, CaptureEvent, Flag, Ledger, Outcome, Protocol
from neural.wire.limits import DEFAULT_LIMITS, Limits, WireError
from neural.wire.message import Message, decode_utf8
from neural.wire.protobuf import VARINT, read_fields

_T = TypeVar("_T")
_PROTOCOLS: Final = tuple(Protocol)
_OUTCOMES: Final = tuple(Outcome)
_FLAGS: Final = tuple(Flag(bits) for bits in range(max(Flag) * 2))  # looking up is ten times as fast as Flag(bits)
_MAX_LEDGER_FIELDS: Final = 1_024


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


def _read_events(message: Message, n: int) -> list[CaptureEvent]:
    started = message.packed(12, "Q", n)
    if started is None:
        raise WireError("column_missing", "started_unix_ns")
    rows = zip(
        _texts(message, 10, n),
        started,
        _or(message.packed(13, "Q", n), 0),
        _or(message.packed(14, "Q", n), 0),
        _enum(message, 15, n, _PROTOCOLS),
        _enum(message, 16, n, _OUTCOMES),
        _or(message.packed(18, "I", n), 0),
        _or(message.packed(19, "i", n), -1),
        _coded(message, 20, n, "POST"),
        _coded(message, 21, n, "/"),
        _coded(message, 22, n, ""),
        _coded(message, 23, n, ""),
        _coded(message, 24, n, ""),
        _texts(message, 25, n),
        _texts(message, 27, n),
        _fractions(message, n),
        _flags(message, n),
        _or(message.packed(30, "Q", n), 0),
        _or(message.packed(31, "Q", n), 0),
        _bodies(message, 32, n),
        _bodies(message, 34, n),
        _headers(message, 36, n),
        _headers(message, 39, n),
        strict=False,  # absent columns repeat for ever; the present ones have been checked to have n entries
    )
    return list(map(CaptureEvent._make, rows))


def _or(values: tuple[int, ...] | None, default: int) -> Iterable[int]:
    return repeat(default) if values is None else values


def _texts(message: Message, number: int, n: int) -> Iterable[str]:
    blob = message.blob(number)
    if blob is None:
        return repeat("")
    lengths = message.lengths(number + 1, n, blob)
    joined = decode_utf8(blob)
    if joined.isascii():  # then a byte is a character
        return _slices(lengths, joined.__getitem__)
    return [decode_utf8(part) for part in _slices(lengths, blob.__getitem__)]


def _slices(lengths: Sequence[int], get: Callable[[slice], _T]) -> Iterator[_T]:
    return map(get, starmap(slice, pairwise(accumulate(lengths, initial=0))))


def _coded(message: Message, number: int, n: int, default: str) -> Iterable[str]:
    indexes = message.packed(number, "I", n)
    return repeat(default) if indexes is None else _look_up(message, number, indexes)


def _look_up(message: Message, number: int, indexes: tuple[int, ...]) -> Iterable[str]:
    if indexes and max(indexes) >= len(message.strings):
        raise WireError("index", f"field {number} points outside the string table")
    return map(message.strings.__getitem__, indexes)


def _enum(message: Message, number: int, n: int, members: tuple[_T, ...]) -> Iterable[_T]:
    blob = message.blob(number)
    if blob is None:
        return repeat(members[0])
    octets = bytes(blob)
    if len(octets) != n:
        raise WireError("column_length", f"field {number} has {len(octets)} bytes for {n} entries")
    if max(octets) >= len(members):
        raise WireError("enum", f"field {number} has an unknown value")
    return map(members.__getitem__, octets)


def _flags(message: Message, n: int) -> Iterable[Flag]:
    bits = message.packed(17, "I", n)
    if bits is None:
        return repeat(Flag.NONE)
    mask = len(_FLAGS) - 1  # a newer sender's flags are left out
    return [_FLAGS[value & mask] for value in bits]


def _fractions(message: Message, n: int) -> Iterable[float]:
    blob = message.blob(29)
    if blob is None:
        return repeat(1.0)
    if len(blob) != 8 * n:
        raise WireError("column_length", "sampling_fractions")
    fractions = struct.unpack(f"<{n}d", blob)
    if not all(0.0 < fraction <= 1.0 for fraction in fractions):  # also false for NaN
        raise WireError("sampling_fraction", "outside (0, 1]")
    return fractions


def _bodies(message: Message, number: int, n: int) -> Iterable[bytes]:
    blob = message.blob(number)
    if blob is None:
        return repeat(b"")
    lengths = message.lengths(number + 1, n, blob)
    message.check_body(lengths)
    return map(bytes, _slices(lengths, blob.__getitem__))


def _headers(message: Message, number: int, n: int) -> Iterable[Mapping[str, str]]:
    counts = message.packed(number, "I", n)
    if counts is None:
        return repeat(NO_HEADERS)
    total = sum(counts)
    message.check_headers(total)
    names = _look_up(message, number + 1, message.packed(number + 1, "I", total) or _absent(number + 1, total))
    values = _look_up(message, number + 2, message.packed(number + 2, "I", total) or _absent(number + 2, total))
    pairs = list(zip(names, values, strict=True))
    return map(dict, _slices(counts, pairs.__getitem__))


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
