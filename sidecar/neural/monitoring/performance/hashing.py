"""Row ids as 64-bit numbers, a whole batch at a time: what the join keeps instead of the strings."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.row_ids import RowIds, ids_of, suffixes

_WORTH_SHARING = 16  # rows a request, on average, from which looking at requests is quicker than at rows
_MAX_SUFFIXED = 65_536  # rows whose suffixes are kept as numbers (half a megabyte)
MAX_ID_BYTES = 64  # longer ids are digested first, so that one of them does not widen the whole batch
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ divided by the golden ratio
_FINAL_1, _FINAL_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # splitmix64 (Steele, Lea and Flood 2014)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)
_WORD, _ALL_BITS = struct.Struct("<Q"), 2**64 - 1

_suffixed: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)


def hash_ids(ids: Sequence[str], key: int) -> NDArray[np.uint64]:
    """uint64 of shape (n,). ``key`` makes collisions unpredictable; at a million ids the chance of any is one in 4·10⁷."""
    if not len(ids):
        return np.empty(0, dtype=np.uint64)
    if isinstance(ids, RowIds) and len(ids) >= _WORTH_SHARING * len(ids.requests):
        return _hash_rows(ids, key)
    return _mixed(_absorbed(np.full(len(ids), key, dtype=np.uint64), _words(ids)))


def _absorbed(state: NDArray[np.uint64], words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The state after these words, shape (n, words)."""
    for at in range(words.shape[1]):
        word = words[:, at]
        # padding must not matter, since it depends on the longest id of the batch
        state = np.where(word == 0, state, _mixed((state ^ word) * _MULTIPLIER))
    return state


def _hash_rows(ids: RowIds, key: int) -> NDArray[np.uint64]:
    """The same numbers. What a request's rows share of their ids is looked at once."""
    hashes = np.empty(len(ids), dtype=np.uint64)
    end = 0
    for name, rows in zip(ids.requests, ids.counts, strict=True):
        start, end = end, end + rows
        data = name.encode("utf-8", "surrogatepass")
        if rows == 1 or rows > _MAX_SUFFIXED or len(data) + len(str(rows)) + 1 > MAX_ID_BYTES:
            hashes[start:end] = hash_ids(ids_of(name, rows), key)
            continue
        shared = len(data) // 8 * 8
        state = np.full(rows, _absorbed_one(key, data[:shared]), dtype=np.uint64)
        hashes[start:end] = _mixed(_absorbed(state, _after(data[shared:], rows)))
    return hashes


def _absorbed_one(state: int, data: bytes) -> int:
    """``_absorbed`` of one row, whose words are these bytes: a few steps on Python's numbers take less than NumPy's first call."""
    for (word,) in _WORD.iter_unpack(data):
        if word:
            state = _mixed_one((state ^ word) * int(_MULTIPLIER) & _ALL_BITS)
    return state


def _mixed_one(value: int) -> int:
    value = (value ^ (value >> 30)) * int(_FINAL_1) & _ALL_BITS
    value = (value ^ (value >> 27)) * int(_FINAL_2) & _ALL_BITS
    return value ^ (value >> 31)


def _after(rest: bytes, rows: int) -> NDArray[np.uint64]:
    """The last words of a request's row ids, shape (rows, words): fewer than eight bytes of its own id, and ``:row``."""
    suffixed = _suffix_words(rows)
    moved = np.uint64(8 * len(rest))
    first = (suffixed << moved) | np.uint64(int.from_bytes(rest, "little"))
    if len(rest) + len(str(rows - 1)) + 1 <= 8:
        return first.reshape(-1, 1)
    return np.column_stack([first, suffixed >> (np.uint64(64) - moved)])


def _suffix_words(rows: int) -> NDArray[np.uint64]:
    """``:0``, ``:1`` … each as one word."""
    global _suffixed  # noqa: PLW0603 - made once and grown
    if rows > len(_suffixed):
        _suffixed = _words(suffixes(max(rows, 1024))).reshape(-1)
    return _suffixed[:rows]


def _words(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Each id's bytes, filled up with zeros: shape (n, words)."""
    longest = max(map(len, ids))
    texts: Sequence[str | bytes] = ids
    if longest > MAX_ID_BYTES or not "".join(ids).isascii():
        texts = [_bounded(row_id) for row_id in ids]
        longest = max(map(len, texts))
    width = -(-longest // 8) * 8 or 8
    words: NDArray[np.uint64] = np.array(texts, dtype=f"S{width}").view("<u8").astype(np.uint64, copy=False).reshape(len(ids), -1)
    return words


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> _SHIFT_30)) * _FINAL_1
    state = (state ^ (state >> _SHIFT_27)) * _FINAL_2
    return state ^ (state >> _SHIFT_31)


def _bounded(row_id: str) -> bytes:
    data = row_id.encode("utf-8", "surrogatepass")
    return data if len(data) <= MAX_ID_BYTES else hashlib.blake2b(data, digest_size=32).hexdigest().encode()
