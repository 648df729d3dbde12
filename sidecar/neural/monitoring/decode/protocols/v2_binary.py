"""Raw tensors: V2's binary extension and the gRPC raw contents share one layout, little-endian and row-major.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.decode.parsed import Reason, Undecodable, Values
from neural.monitoring.decode.protocols.v2_types import NUMPY_TYPES

_LENGTH: Final = struct.Struct("<I")
_MAX_VALUES: Final = 2**31


class TailReader:
    """Takes the binary tensors, in order, from what follows the JSON."""

    def __init__(self, tail: bytes) -> None:
        self._tail = memoryview(tail)
        self._at = 0

    def read(self, tensor: dict[str, Any], shape: list[int]) -> Values:
        """The next tensor, one value (or vector) for each row. Raises Undecodable."""
        size = tensor["parameters"]["binary_data_size"]
        if type(size) is not int or size < 0 or self._at + size > len(self._tail):
            raise Undecodable(Reason.SHAPE, f"binary_data_size of {tensor['name'][:60]!r} is beyond the body")
        raw = self._tail[self._at : self._at + size]
        self._at += size
        return read_raw(raw, tensor["datatype"], shape, tensor["name"])

    def finish(self) -> None:
        """Raises Undecodable when bytes are left over."""
        if self._at != len(self._tail):
            raise Undecodable(Reason.SHAPE, f"{len(self._tail) - self._at} bytes after the last tensor")


def read_raw(raw: memoryview, datatype: str, shape: list[int], name: str) -> Values:
    """A raw tensor as an array of shape (rows,) or (rows, width); BYTES as a list of str."""
    count = 1
    for size in shape:
        count *= size
        if count > _MAX_VALUES:
            raise Undecodable(Reason.TOO_LARGE, "a tensor's shape has too many values")
    rows = shape[0] if shape else 1
    if rows and not count:
        raise Undecodable(Reason.SHAPE, f"the rows of tensor {name[:60]!r} are empty")
    if datatype in ("BYTES", "STRING"):
        return _by_row(_read_strings(raw, count, name), rows)
    values = _read_numbers(raw, datatype, count, name)
    return values if values.size == rows else values.reshape(rows, -1)


def _read_numbers(raw: memoryview, datatype: str, count: int, name: str) -> NDArray[Any]:
    width = 2 if datatype == "BF16" else NUMPY_TYPES[datatype].itemsize
    if len(raw) != count * width:
        raise Undecodable(Reason.SHAPE, f"tensor {name[:60]!r} has {len(raw)} bytes for {count} values of {datatype}")
    if datatype == "BF16":  # the upper half of a float32
        return np.left_shift(np.frombuffer(raw, dtype="<u2").astype(np.uint32), 16).view(np.float32)
    if datatype == "BOOL":
        return np.not_equal(np.frombuffer(raw, dtype=np.uint8), 0)
    return np.frombuffer(raw, dtype=NUMPY_TYPES[datatype])


def _read_strings(raw: memoryview, count: int, name: str) -> list[str]:
    """BYTES: each element is a 4-byte little-endian length and so many bytes."""
    strings, at = list[str](), 0
    while at + 4 <= len(raw) and len(strings) < count:
        (length,) = _LENGTH.unpack_from(raw, at)
        at += 4 + length
        if at > len(raw):
            break
        strings.append(text_of(bytes(raw[at - length : at])))
    if len(strings) != count or at != len(raw):
        raise Undecodable(Reason.SHAPE, f"tensor {name[:60]!r} does not hold {count} strings")
    return strings


def text_of(raw: bytes) -> str:
    """Bytes as text; what is not UTF-8 is kept readable, not refused: categories are compared, not shown."""
    return raw.decode("utf-8", "backslashreplace")


def _by_row(strings: list[str], rows: int) -> Values:
    if rows in (0, len(strings)):
        return strings
    width = len(strings) // rows
    return [strings[start : start + width] for start in range(0, len(strings), width)]
