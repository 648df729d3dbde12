"""Tables of one layout, one under the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from neural.monitoring.decode.parsed import Columns, Reason, Rows, Table, Undecodable, Values

_LIST_OR_NONE: Final = {list, type(None)}
Width = int | tuple[Any, ...]
MAX_FLATTENING: Final = 8  # levels of objects inside a row
RAGGED: Final = -1
"""Width of a column whose lists differ in length, or stand beside scalars."""


def layout_of(table: Table) -> tuple[Any, ...]:
    """What two tables must share to be stacked: names, the widths of lists and arrays, the members of objects.

    So the columns a request becomes do not depend on which requests it arrives with.
    """
    widths = widths_of(table)
    return (table.names, widths) if any(widths) else table.names


def widths_of(table: Table) -> tuple[Width, ...]:
    """The number of values a row has in each column, 0 for scalars; () when all are scalars."""
    if isinstance(table, Rows):
        if not {list, dict} & set(map(type, chain.from_iterable(table.rows))):
            return ()
        return tuple(map(_width, zip(*table.rows, strict=True)))
    return table.widths if table.widths is not None else tuple(map(_width, table.columns))


def _width(column: Values) -> Width:
    if isinstance(column, np.ndarray):
        return int(np.prod(column.shape[1:], dtype=np.int64)) if column.ndim > 1 else 0
    types = set(map(type, column))
    if dict in types:
        shapes = [_shape(value, 0) for value in column]
        return shapes[0] if shapes.count(shapes[0]) == len(shapes) else tuple(shapes)
    if list not in types:
        return 0
    lengths = {len(value) for value in column if type(value) is list}
    return lengths.pop() if len(lengths) == 1 and types <= _LIST_OR_NONE else RAGGED


def is_even(width: Width) -> bool:
    """True when all rows of a column are alike: scalars, lists of one length, or objects with the same members."""
    return width != RAGGED if isinstance(width, int) else width[:1] == ("object",)


def _shape(value: Any, depth: int) -> Width:
    """An object's members and theirs; a list's length; 0 for a scalar. What lies deeper is refused later, where objects become columns."""
    if type(value) is dict and depth <= MAX_FLATTENING:
        return ("object", *((name, _shape(inner, depth + 1)) for name, inner in value.items()))
    return len(value) if type(value) is list else 0


def stack(tables: Sequence[Table]) -> Columns:
    """Tables that share a layout, one under the other."""
    first = tables[0]
    if len(tables) == 1:
        return _as_columns(first)
    count = sum(map(len, tables))
    if all(type(table) is Rows for table in tables):
        rows = list(chain.from_iterable(table.rows for table in tables if isinstance(table, Rows)))
        return Columns(first.names, list(zip(*rows, strict=True)) or [()] * len(first.names), count, first.kinds)
    parts = [_as_columns(table) for table in tables]  # in order: the rows of one request follow those of the one before
    columns = [_joined([part.columns[place] for part in parts]) for place in range(len(first.names))]
    return Columns(first.names, columns, count, first.kinds)


def _as_columns(table: Table) -> Columns:
    if isinstance(table, Columns):
        return table
    return Columns(table.names, list(zip(*table.rows, strict=True)) or [()] * len(table.names), len(table.rows), table.kinds)


def _joined(columns: Sequence[Values]) -> Values:
    if all(isinstance(column, np.ndarray) and column.dtype != object for column in columns):
        return np.concatenate(columns)
    return list(chain.from_iterable(column.tolist() if isinstance(column, np.ndarray) else column for column in columns))


def stacked(tables: Sequence[Table]) -> Table:
    """The messages of a stream as one table. Raises Undecodable when their layouts differ."""
    if len(tables) == 1:
        return tables[0]
    if len({layout_of(table) for table in tables}) != 1:
        raise Undecodable(Reason.UNSUPPORTED, "a stream of no messages, or of several layouts")
    return stack(tables)
