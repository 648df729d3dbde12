"""Which rows lie in a bin that a drift verdict names.

The verdict gives the bin in words ("<= 10.94", "23 to 24.98", "unseen"); the reference gives back the digits that words leave out.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind
from neural.monitoring.windows.reference import ColumnReference

_NUMBER = r"[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|inf|nan)"
_RANGE = re.compile(
    rf"(?:(?P<low>{_NUMBER}) to (?P<high>{_NUMBER})|<= (?P<below>{_NUMBER})|> (?P<above>{_NUMBER})|= (?P<value>{_NUMBER}))"
)
_BETWEEN_KNOWN, _UNSEEN = "between known values", "unseen"


def rows_in_bin(column: Column, words: str, reference: ColumnReference | None) -> NDArray[np.bool_]:
    """Mask of shape (n,): the rows whose value lies in the bin. All False for words that say nothing of single rows."""
    if column.kind in (Kind.CATEGORICAL, Kind.TEXT):
        return _in_category(column, words, reference)
    if column.kind is Kind.EMBEDDING:
        return np.zeros(len(column), dtype=np.bool_)
    values = column.values.astype(np.float64)
    edges = np.zeros(0) if reference is None else reference.edges
    if words == _BETWEEN_KNOWN:
        inside = np.isfinite(values) & ~np.isin(values, edges)
        return inside & (values > edges[0]) & (values < edges[-1]) if len(edges) else np.zeros(len(values), dtype=np.bool_)
    low, high = _limits(words, edges)
    return np.asarray((values > low) & (values <= high))


def _limits(words: str, edges: NDArray[np.float64]) -> tuple[float, float]:
    """(above, up to); an empty stretch for words that are no range.

    A value of its own has two edges that read alike, one just below it. A bin begins after the value that ends the one before it,
    the first bin just below the least value.
    """
    match = _RANGE.fullmatch(words)
    if match is None:
        return np.inf, -np.inf
    if text := match["below"]:
        return -np.inf, min(_alike(text, edges))
    if text := match["above"]:
        return max(_alike(text, edges)), np.inf
    if text := match["value"]:
        value = max(_alike(text, edges))
        return float(np.nextafter(value, -np.inf)), value
    starts, ends = _alike(match["low"], edges), _alike(match["high"], edges)
    return (min(starts) if len(edges) and edges[0] in starts else max(starts)), max(ends)


def _alike(text: str, edges: NDArray[np.float64]) -> list[float]:
    """The edges that read so; the number itself where there is none."""
    number = float(text)
    near = edges[np.isclose(edges, number, rtol=1e-5, atol=1e-300)]
    return [edge for edge in near.tolist() if f"{edge:.6g}" == text] or [number]


def _in_category(column: Column, words: str, reference: ColumnReference | None) -> NDArray[np.bool_]:
    known = set() if reference is None else set(reference.labels)
    if words == _UNSEEN:
        wanted = [bool(known) and value is not None and value not in known for value in column.values]
    else:
        wanted = [value == words for value in column.values]
    return np.array(wanted, dtype=np.bool_)
