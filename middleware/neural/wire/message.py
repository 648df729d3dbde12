"""The top level of a batch, split into fields and columns whose lengths have been checked."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from neural.wire.limits import Limits, WireError
from neural.wire.protobuf import BYTES, read_fields
from neural.wire.table import Same

_STRINGS: Final = 8
_SCALARS: Final = frozenset({2, 6, 7})
_COLUMN_WIDTH: Final = {
    **dict.fromkeys((11, *range(17, 25), 26, 28, 33, *range(35, 42)), 4),
    **dict.fromkeys((12, 13, 14, 29, 30, 31), 8),
}
_KNOWN: Final = frozenset({*range(1, 9), *range(10, 42)})


class Message:
    """The top level, split into fields."""

    __slots__ = ("_fields", "_limits", "_numbers", "strings")

    def __init__(self, fields: dict[int, list[memoryview]], numbers: dict[int, int], limits: Limits) -> None:
        self._fields, self._numbers, self._limits = fields, numbers, limits
        strings = fields.get(_STRINGS, [])
        if len(strings) > limits.max_strings:
            raise WireError("too_many_strings", f"{len(strings)}, {limits.max_strings} are accepted")
        self.strings = [decode_utf8(text) for text in strings]

    @classmethod
    def read(cls, view: memoryview, limits: Limits) -> Message:
        fields: dict[int, list[memoryview]] = {}
        numbers: dict[int, int] = {}
        for number, wire_type, value in read_fields(view, limits.max_fields):
            if isinstance(value, int):
                if number in _SCALARS:
                    numbers[number] = value
                elif number in _KNOWN:
                    raise WireError("wire_type", f"field {number} as a varint")
            elif number in _KNOWN:
                # A packed field may also come entry by entry: the parts then have the width of the column.
                if number in _SCALARS or (wire_type != BYTES and len(value) != _COLUMN_WIDTH.get(number)):
                    raise WireError("wire_type", f"field {number}")
                fields.setdefault(number, []).append(value)
        return cls(fields, numbers, limits)

    def number(self, number: int) -> int:
        return self._numbers.get(number, 0)

    def items(self, number: int) -> list[memoryview]:
        return self._fields.get(number, [])

    def text(self, number: int) -> str:
        items = self.items(number)
        return decode_utf8(items[-1]) if items else ""

    def blob(self, number: int) -> memoryview | None:
        """A column's bytes. A packed field may come in pieces, which add up; of a plain bytes field the last one counts."""
        items = self._fields.get(number)
        if not items:
            return None
        if len(items) == 1 or number not in _COLUMN_WIDTH:
            return items[-1]
        return memoryview(b"".join(items))

    def packed(self, number: int, code: str, count: int) -> Sequence[int] | None:
        """``count`` numbers of struct code I, i or Q; None when the column is absent."""
        blob = self.blob(number)
        if blob is None:
            return None
        width = _COLUMN_WIDTH[number]
        if len(blob) != count * width:
            raise WireError("column_length", f"field {number} has {len(blob)} bytes for {count} entries")
        if count and blob[width:] == blob[:-width]:  # each entry equals the one before it
            return Same(struct.unpack_from(f"<{code}", blob)[0], count)
        return struct.unpack(f"<{count}{code}", blob)

    def lengths(self, number: int, count: int, blob: memoryview) -> Sequence[int]:
        lengths = self.packed(number, "I", count)
        if lengths is None or sum(lengths) != len(blob):
            raise WireError("column_length", f"field {number} does not add up to {len(blob)} bytes")
        return lengths

    def check_body(self, lengths: Sequence[int]) -> None:
        if len(lengths) and max(lengths) > self._limits.max_body_bytes:
            raise WireError("body_too_large", f"{max(lengths)} bytes, {self._limits.max_body_bytes} are accepted")

    def check_headers(self, total: int) -> None:
        if total > self._limits.max_headers:
            raise WireError("too_many_headers", f"{total}, {self._limits.max_headers} are accepted")


def decode_utf8(data: memoryview) -> str:
    """Raises WireError("utf8")."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise WireError("utf8", str(error)) from error
