"""Rows in any of the shapes Python users hold them in, as columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.errors import DataError
from neural.monitoring.records import Column, Kind

MAX_COLUMNS = 100_000


def columns_from(data: Any, feature_names: Sequence[str] | None = None) -> dict[str, Column]:
    """Columns by name, from a 1-D or 2-D array, a dict of sequences, a list of dicts or of rows, a pandas or pyarrow table.

    Arrays and lists of rows are named by ``feature_names``, else ``feature_0``, ``feature_1`` … A dict of columns passes through
    where its values are columns already. Raises DataError when lengths differ or the shape makes no table.
    """
    named = _named(data, feature_names)
    if len(named) > MAX_COLUMNS:
        raise DataError(f"{len(named)} columns are too many: at most {MAX_COLUMNS}")
    columns = {name: value if isinstance(value, Column) else column_of(name, value) for name, value in named.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise DataError(f"columns differ in length: {sorted(lengths)}")
    return columns


def column_of(name: str, values: Any, kind: Kind | None = None) -> Column:
    """One column; its kind is inferred unless given: numbers, booleans, or categories."""
    array = values if isinstance(values, np.ndarray) else _to_array(values)
    if array.ndim == 2 and kind in (None, Kind.EMBEDDING):
        rows = np.asarray(array, dtype=np.float32)
        return Column(name, Kind.EMBEDDING, rows, np.asarray(np.isnan(rows).all(axis=1)))
    if array.ndim != 1:
        raise DataError(f"column {name!r} has {array.ndim} dimensions; one is needed")
    if array.dtype.kind == "b" and kind in (None, Kind.BOOLEAN):
        return Column(name, Kind.BOOLEAN, array.astype(np.float64), np.zeros(len(array), dtype=bool))
    if array.dtype.kind in "iuf" and kind is not Kind.CATEGORICAL and kind is not Kind.TEXT:
        numbers = array.astype(np.float64)
        return Column(name, kind or Kind.NUMERIC, numbers, np.isnan(numbers))
    return _from_objects(name, list(array.tolist()), kind)


def _from_objects(name: str, values: list[Any], kind: Kind | None) -> Column:
    missing = np.array([is_missing(value) for value in values], dtype=bool)
    kind = kind or _kind_of(value for value, gone in zip(values, missing, strict=True) if not gone)
    if kind in (Kind.CATEGORICAL, Kind.TEXT):
        words = np.empty(len(values), dtype=object)
        words[:] = [None if gone else as_category(value) for value, gone in zip(values, missing, strict=True)]
        return Column(name, kind, words, missing)
    numbers = np.array(
        [math.nan if gone else _number(value) for value, gone in zip(values, missing, strict=True)], dtype=np.float64
    )
    invalid = np.isnan(numbers) & ~missing
    return Column(name, kind, numbers, missing, invalid if invalid.any() else None)


def is_missing(value: Any) -> bool:
    """None, NaN and the missing values of pandas and NumPy."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


def as_category(value: Any) -> str:
    """A category's name: 1.0 and 1 and True are told apart only where their text differs; whole floats read as integers."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _kind_of(values: Iterable[Any]) -> Kind:
    kinds = {_scalar_kind(value) for value in values}
    if not kinds:
        return Kind.NUMERIC
    if kinds == {Kind.BOOLEAN}:
        return Kind.BOOLEAN
    return Kind.NUMERIC if kinds <= {Kind.NUMERIC, Kind.BOOLEAN} else Kind.CATEGORICAL


def _scalar_kind(value: Any) -> Kind:
    if isinstance(value, bool | np.bool_):
        return Kind.BOOLEAN
    numeric = isinstance(value, int | float | np.number) or type(value).__name__ == "Decimal"
    return Kind.NUMERIC if numeric else Kind.CATEGORICAL


def _named(data: Any, feature_names: Sequence[str] | None) -> dict[str, Any]:
    if isinstance(data, Mapping):
        return {str(name): values for name, values in data.items()}
    if hasattr(data, "column_names") and hasattr(data, "column"):  # pyarrow Table or RecordBatch
        return {str(name): _from_arrow(data.column(name)) for name in data.column_names}
    if hasattr(data, "columns") and hasattr(data, "iloc"):  # pandas DataFrame
        return {str(name): data.iloc[:, at].to_numpy() for at, name in enumerate(data.columns)}
    if isinstance(data, np.ndarray):
        return _from_matrix(data, feature_names)
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise DataError(f"data is {type(data).__name__}; rows are needed: an array, a table, a list of dicts or of rows")
    rows = list(data)
    if rows and all(isinstance(row, Mapping) for row in rows):
        names = dict.fromkeys(str(name) for row in rows for name in row)
        return {name: [row.get(name) for row in rows] for name in names}
    return _from_rows(rows, feature_names)


def _from_arrow(column: Any) -> Any:
    values = column.to_pylist() if column.null_count or str(column.type) in ("string", "large_string", "bool") else None
    if values is not None:
        return values
    try:
        return column.to_numpy()
    except (ValueError, NotImplementedError):
        return column.to_pylist()


def _from_matrix(matrix: NDArray[Any], feature_names: Sequence[str] | None) -> dict[str, Any]:
    if matrix.ndim == 1:
        matrix = matrix.reshape(-1, 1)
    if matrix.ndim != 2:
        raise DataError(f"data has {matrix.ndim} dimensions; rows and columns are needed")
    names = _names(matrix.shape[1], feature_names)
    return {name: matrix[:, at] for at, name in enumerate(names)}


def _from_rows(rows: list[Any], feature_names: Sequence[str] | None) -> dict[str, Any]:
    if not rows:
        return {name: [] for name in feature_names or ()}
    if not all(isinstance(row, list | tuple | np.ndarray) for row in rows):
        return {_names(1, feature_names)[0]: rows}
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        raise DataError(f"rows differ in length: {sorted(widths)}")
    names = _names(widths.pop(), feature_names)
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


def _names(count: int, feature_names: Sequence[str] | None) -> list[str]:
    if feature_names is None:
        return [f"feature_{at}" for at in range(count)]
    if len(feature_names) != count:
        raise DataError(f"{len(feature_names)} feature names were given for {count} columns")
    return [str(name) for name in feature_names]


def _to_array(values: Any) -> NDArray[Any]:
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    items = list(values)
    if items and all(type(item) in (int, float) for item in items):
        return np.array(items, dtype=np.float64)
    if items and all(type(item) is bool for item in items):
        return np.array(items)
    if items and all(isinstance(item, list | tuple | np.ndarray) for item in items) and len({len(item) for item in items}) == 1:
        try:
            return np.array(items, dtype=np.float32)
        except (TypeError, ValueError):
            pass
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array
