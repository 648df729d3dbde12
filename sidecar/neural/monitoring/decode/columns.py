"""Raw values to columns: one function for each kind, vectorised where the values are all of the expected type.

A value of another type than its column's is invalid, not an error: NaN or None with its place marked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.decode.categories import category
from neural.monitoring.decode.parsed import Values
from neural.monitoring.records import Column, Kind

_NUMBERS: Final[frozenset[type]] = frozenset({float, int, bool, NoneType})
_TEXTS: Final[frozenset[type]] = frozenset({str, NoneType})
_TRUTHS: Final[frozenset[type]] = frozenset({bool, NoneType})
_TURNED_ROWS: Final = 256
_TEXT_LENGTH: Final = 64  # characters: a column with longer strings is text, not categories


def types_of(values: Values) -> set[type]:
    """The Python types of the values."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        return {bool} if values.dtype == bool else {float}
    return set(map(type, values))


def infer_kind(values: Values, types: set[type]) -> Kind | None:
    """The kind that fits the values; None when they are all missing."""
    seen = types - {NoneType}
    if not seen:
        return None
    if seen == {bool}:
        return Kind.BOOLEAN
    if seen <= _NUMBERS:
        return Kind.NUMERIC
    if str in seen:
        longest = max((len(value) for value in values if type(value) is str), default=0)
        return Kind.TEXT if longest > _TEXT_LENGTH else Kind.CATEGORICAL
    return Kind.NUMERIC


def build_column(name: str, values: Values, kind: Kind, types: set[type] | None = None) -> Column:
    """n raw values as a column of the kind. Never raises: what does not fit is marked invalid."""
    return _BUILDERS[kind](name, values, types_of(values) if types is None else types)


def _numeric(name: str, values: Values, types: set[type]) -> Column:
    return _numbers(name, Kind.NUMERIC, values, types, _NUMBERS)


def _boolean(name: str, values: Values, types: set[type]) -> Column:
    column = _numbers(name, Kind.BOOLEAN, values, types, _NUMBERS)
    if types <= _TRUTHS:
        return column
    strange = ~column.missing & ~np.isin(column.values, (0.0, 1.0))
    if not strange.any():
        return column
    return Column(name, Kind.BOOLEAN, np.where(strange, np.nan, column.values), column.missing, strange)


def _numbers(name: str, kind: Kind, values: Values, types: set[type], expected: frozenset[type]) -> Column:
    if types <= expected:
        try:
            numbers = np.asarray(values, dtype=np.float64)
            return Column(name, kind, numbers, np.isnan(numbers))
        except (OverflowError, TypeError, ValueError):  # an integer beyond float64, or a wide array: look at each
            pass
    return _numbers_one_by_one(name, kind, values)


def _numbers_one_by_one(name: str, kind: Kind, values: Values) -> Column:
    numbers = np.full(len(values), np.nan)
    missing = np.zeros(len(values), dtype=np.bool_)
    invalid = np.zeros(len(values), dtype=np.bool_)
    for row, value in enumerate(values):
        if value is None or (isinstance(value, float) and math.isnan(value)):
            missing[row] = True
        elif isinstance(value, int | float):
            try:
                numbers[row] = value
            except OverflowError:
                numbers[row] = math.inf if value > 0 else -math.inf
        else:
            invalid[row] = True
    return Column(name, kind, numbers, missing, invalid)


def _categorical(name: str, values: Values, types: set[type]) -> Column:
    return _strings(name, Kind.CATEGORICAL, values, types)


def _mask(where: list[bool] | bool, rows: int) -> NDArray[np.bool_]:
    return np.full(rows, where, dtype=np.bool_)


def _text(name: str, values: Values, types: set[type]) -> Column:
    return _strings(name, Kind.TEXT, values, types)


def _strings(name: str, kind: Kind, values: Values, types: set[type]) -> Column:
    strings = np.empty(len(values), dtype=object)
    if types <= _TEXTS:
        strings[:] = values
        none = [value is None for value in strings] if NoneType in types else False
        return Column(name, kind, strings, _mask(none, len(values)))
    missing = np.zeros(len(values), dtype=np.bool_)
    invalid = np.zeros(len(values), dtype=np.bool_)
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    for row, value in enumerate(plain):
        try:
            strings[row] = category(value)
        except TypeError:
            invalid[row] = True
        else:
            missing[row] = strings[row] is None
    return Column(name, kind, strings, missing, invalid if invalid.any() else None)


def _embedding(name: str, values: Values, types: set[type]) -> Column:
    del types
    vectors, width = as_vectors(values)
    if vectors is not None:
        return Column(name, Kind.EMBEDDING, _single(vectors), np.asarray(np.isnan(vectors).all(axis=1)))
    out = np.full((len(values), width), np.nan, dtype=np.float32)
    missing = np.zeros(len(values), dtype=np.bool_)
    invalid = np.zeros(len(values), dtype=np.bool_)
    for row, value in enumerate(values):
        vector = None if value is None else _vector(value, width)
        if vector is not None:
            out[row] = _single(vector)
        else:
            (missing if value is None else invalid)[row] = True
    return Column(name, Kind.EMBEDDING, out, missing, invalid)


def _single(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """As float32; what is beyond its range becomes infinite."""
    with np.errstate(over="ignore"):
        return vectors.astype(np.float32)


def _vector(value: Any, width: int) -> NDArray[np.float64] | None:
    if not isinstance(value, list | tuple | np.ndarray) or len(value) == 0:
        return None
    vectors, _ = as_vectors([value])
    return vectors[0] if vectors is not None and vectors.shape[1] == width else None


def as_vectors(values: Values) -> tuple[NDArray[np.float64] | None, int]:
    """(float64 of shape (n, d), d) when all values are lists of d numbers, else (None, the first list's length).

    Lists of lists are flattened row by row. Numbers may be missing (None); strings are refused.
    """
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.reshape(len(values), -1).astype(np.float64, copy=False), int(np.prod(values.shape[1:], dtype=np.int64))
    first = next((value for value in values if isinstance(value, list | tuple | np.ndarray)), ())
    try:
        array = np.array(values if isinstance(values, list) else list(values))
        if array.dtype == object:
            array = np.array([[_number(item) for item in value] for value in values], dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        return None, len(first)
    if array.ndim < 2 or array.dtype.kind not in "fiub":
        return None, len(first)
    wide = array.reshape(len(values), -1).astype(np.float64)
    return wide, wide.shape[1]


def turned(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Rows (n, d) as columns: float64 of shape (d, n). A block of rows at a time, which stays in the processor's cache meanwhile."""
    columns = np.empty((vectors.shape[1], len(vectors)))
    for start in range(0, len(vectors), _TURNED_ROWS):
        columns[:, start : start + _TURNED_ROWS] = vectors[start : start + _TURNED_ROWS].T
    return columns


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, int | float):
        return float(value)
    raise TypeError("not a number")


_BUILDERS: Final[Mapping[Kind, Callable[[str, Values, set[type]], Column]]] = {
    Kind.NUMERIC: _numeric,
    Kind.BOOLEAN: _boolean,
    Kind.CATEGORICAL: _categorical,
    Kind.TEXT: _text,
    Kind.EMBEDDING: _embedding,
}
