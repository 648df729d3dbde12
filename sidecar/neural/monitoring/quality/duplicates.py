"""Rows that are equal in every feature, found by a 64-bit hash of each row."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind

MAX_COMPARED = 16_384  # rows between two evaluations that are compared; more are not looked at
EXAMPLES = 3
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ divided by the golden ratio
_SHIFT = np.uint64(29)
_GONE = np.uint64(0x6E6F6E65)  # stands for a missing value


@dataclass(frozen=True, slots=True)
class Duplicates:
    """``count`` of the ``compared`` rows repeat an earlier one; ``rows``: positions of some of them among the rows compared."""

    count: int = 0
    compared: int = 0
    rows: tuple[int, ...] = ()


def row_hashes(features: Mapping[str, Column], n: int) -> NDArray[np.uint64]:
    """uint64 of shape (n,); equal rows have equal hashes, in any order of the columns."""
    total = np.zeros(n, dtype=np.uint64)
    for name, column in features.items():
        salt = np.uint64(zlib.crc32(name.encode("utf-8", "surrogatepass")))
        total += _mixed(_mixed(_values(column) ^ salt) + salt)
    return total


def find_duplicates(parts: Sequence[NDArray[np.uint64]]) -> Duplicates:
    """Of the hashes of rows, in the order they came."""
    if not parts:
        return Duplicates()
    hashes = np.concatenate(parts)
    first = np.unique(hashes, return_index=True)[1]
    if len(first) == len(hashes):
        return Duplicates(0, len(hashes))
    repeated = np.ones(len(hashes), dtype=np.bool_)
    repeated[first] = False
    rows = tuple(int(at) for at in np.flatnonzero(repeated)[:EXAMPLES])
    return Duplicates(len(hashes) - len(first), len(hashes), rows)


def _values(column: Column) -> NDArray[np.uint64]:
    if column.kind in (Kind.NUMERIC, Kind.BOOLEAN):
        numbers = column.values.astype(np.float64) + 0.0  # −0 and 0 are equal
        return np.where(np.isnan(numbers), _GONE, numbers.view(np.uint64))
    if column.kind is Kind.EMBEDDING:
        rows = np.ascontiguousarray(column.values)
        return np.array([_text_hash(row.tobytes()) for row in rows], dtype=np.uint64)
    known: dict[Any, int] = {}
    words = column.values.tolist()
    for word in set(words):
        known[word] = int(_GONE) if word is None else _text_hash(str(word).encode("utf-8", "surrogatepass"))
    return np.array([known[word] for word in words], dtype=np.uint64)


def _text_hash(data: bytes) -> int:
    return zlib.crc32(data) << 32 | zlib.crc32(data[::-1], len(data))


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state * _MULTIPLIER
    mixed: NDArray[np.uint64] = (state ^ (state >> _SHIFT)) * _MULTIPLIER
    return mixed
