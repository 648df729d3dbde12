"""Row ids as 64-bit numbers, a whole batch at a time: what the join keeps instead of the strings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_ID_BYTES = 64  # longer ids are digested first, so that one of them does not widen the whole batch
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ divided by the golden ratio
_FINAL_1, _FINAL_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # splitmix64 (Steele, Lea and Flood 2014)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)


def hash_ids(ids: Sequence[str], key: int) -> NDArray[np.uint64]:
    """uint64 of shape (n,). ``key`` makes collisions unpredictable; at a million ids the chance of any is one in 4·10⁷."""
    if not len(ids):
        return np.empty(0, dtype=np.uint64)
    words = _words(ids)
    state = np.full(len(ids), key, dtype=np.uint64)
    for at in range(words.shape[1]):
        word = words[:, at]
        # padding must not matter, since it depends on the longest id of the batch
        state = np.where(word == 0, state, _mixed((state ^ word) * _MULTIPLIER))
    return _mixed(state)


def _words(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Each id's bytes, filled up with zeros: shape (n, words)."""
    longest = max(map(len, ids))
    texts: Sequence[str | bytes] = ids
    if longest > MAX_ID_BYTES or not "".join(ids).isascii():
        texts = [_bounded(row_id) for row_id in ids]
        longest = max(map(len, texts))
    width = -(-longest // 8) * 8 or 8
    return np.array(texts, dtype=f"S{width}").view(np.uint64).reshape(len(ids), -1)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> _SHIFT_30)) * _FINAL_1
    state = (state ^ (state >> _SHIFT_27)) * _FINAL_2
    return state ^ (state >> _SHIFT_31)


def _bounded(row_id: str) -> bytes:
    data = row_id.encode("utf-8", "surrogatepass")
    return data if len(data) <= MAX_ID_BYTES else hashlib.blake2b(data, digest_size=32).hexdigest().encode()
