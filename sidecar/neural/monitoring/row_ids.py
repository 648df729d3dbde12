"""The ids of rows that came in few requests: kept as the requests' ids and their numbers of rows until somebody asks for texts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

_MAX_KEPT: Final = 4096
_SUFFIXES: Final[list[str]] = []  # ":0", ":1" …, made once: writing a number takes longer than joining two texts


class RowIds(Sequence[str]):
    """For each request its own id where it has one row, else ``id:0``, ``id:1`` … Equal to any sequence of the same texts.

    ``requests``: the requests' ids, in order; ``counts``: the rows of each, at least one.
    """

    __slots__ = ("_ends", "counts", "requests")

    def __init__(self, requests: Sequence[str], counts: Sequence[int]) -> None:
        self.requests, self.counts = requests, counts
        self._ends = list(accumulate(counts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(map(ids_of, self.requests, self.counts))

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        at += len(self) if at < 0 else 0
        if not 0 <= at < len(self):
            raise IndexError(at)
        request = bisect_right(self._ends, at)
        name, rows = self.requests[request], self.counts[request]
        return name if rows == 1 else f"{name}:{at - self._ends[request] + rows}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list's

    def __repr__(self) -> str:
        return repr(list(self))

    def utf8(self) -> tuple[bytes, NDArray[np.int32]]:
        """All ids one after the other, and where each begins and the last ends: shape (n + 1,)."""
        texts = [
            name if rows == 1 else name + name.join(suffixes(rows)) for name, rows in zip(self.requests, self.counts, strict=True)
        ]
        ends = np.zeros(len(self) + 1, dtype=np.int32)
        np.cumsum(
            np.concatenate([_lengths(name, rows) for name, rows in zip(self.requests, self.counts, strict=True)]), out=ends[1:]
        )
        return "".join(texts).encode(), ends


def joined_ids(parts: Sequence[Sequence[str]]) -> Sequence[str]:
    """The ids of several batches, one after the other."""
    alike = [part for part in parts if isinstance(part, RowIds)]
    if len(alike) < len(parts):
        return list(chain.from_iterable(parts))
    return RowIds([name for part in alike for name in part.requests], [rows for part in alike for rows in part.counts])


def ids_of(request: str, rows: int) -> Sequence[str]:
    """The ids of one request's rows."""
    return (request,) if rows == 1 else [request + suffix for suffix in suffixes(rows)]


def suffixes(rows: int) -> list[str]:
    """``:0``, ``:1`` … for so many rows."""
    if rows > _MAX_KEPT:
        return [f":{row}" for row in range(rows)]
    if rows > len(_SUFFIXES):
        _SUFFIXES.extend([f":{row}" for row in range(len(_SUFFIXES), rows)])
    return _SUFFIXES[:rows]


def _lengths(request: str, rows: int) -> NDArray[np.int32]:
    """Bytes of each of the request's ids."""
    lengths = np.full(rows, len(request) if request.isascii() else len(request.encode()), dtype=np.int32)
    if rows == 1:
        return lengths
    lengths += 2
    digits = 10
    while digits < rows:
        lengths[digits:] += 1
        digits *= 10
    return lengths
