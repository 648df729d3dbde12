"""Tables of one layout, one under the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from neural.monitoring.decode.parsed import Columns, Reason, Rows, Table, Undecodable, Values
from neural.monitoring.records import Kind

_LIST_OR_NONE: Final = {list, type(None)}
RAGGED: Final = -1
"""Width of a column whose lists differ in length, or stand beside scalars."""


def layout_of(table: Table) -> tuple[Any, ...]:
    """What two tables must share to be stacked: names, and the widths of lists and arrays.

    So the columns a request becomes do not depend on which requests it arrives with.
    """
    widths = widths_of(table)
    return (table.names, widths) if any(widths) else table.names


def widths_of(table: Table) -> tuple[int, ...]:
    """The number of values a row has in each column, 0 for scalars; () when all are scalars."""
    if isinstance(table, Rows):
        if list not in set(map(type, chain.from_iterable(table.rows))):
            return ()
        return tuple(map(_width, zip(*table.rows, strict=True)))
    return table.widths if table.widths is not None else tuple(map(_width, table.columns))


def _width(column: Values) -> int:
    if isinstance(column, np.ndarray):
        return int(np.prod(column.shape[1:], dtype=np.int64)) if column.ndim > 1 else 0
    types = set(map(type, column))
    if list not in types:
        return 0
    lengths = {len(value) for value in column if type(value) is list}
    return lengths.pop() if len(lengths) == 1 and types <= _LIST_OR_NONE else RAGGED


def stack(tables: Sequence[Table]) -> tuple[tuple[str, ...], Sequence[Values], tuple[Kind | None, ...]]:
    """(names, columns, kinds) of tables that share a layout, one under the other."""
    first = tables[0]
    if all(type(table) is Rows for table in tables):
        rows = list(chain.from_iterable(table.rows for table in tables if isinstance(table, Rows)))
        return first.names, list(zip(*rows, strict=True)) or [()] * len(first.names), first.kinds
    parts = [_as_columns(table) for table in tables]  # in order: the rows of one request follow those of the one before
    return first.names, [_joined([part.columns[place] for part in parts]) for place in range(len(first.names))], first.kinds


def _as_columns(table: Table) -> Columns:
    if isinstance(table, Columns):
        return table
    return Columns(table.names, list(zip(*table.rows, strict=True)) or [()] * len(table.names), len(table.rows))


def _joined(columns: Sequence[Values]) -> Values:
    if len(columns) == 1:
        return columns[0]
    if all(isinstance(column, np.ndarray) and column.dtype != object for column in columns):
        return np.concatenate(columns)
    return list(chain.from_iterable(column.tolist() if isinstance(column, np.ndarray) else column for column in columns))


def stacked(tables: Sequence[Table]) -> Table:
    """The messages of a stream as one table. Raises Undecodable when their layouts differ."""
    if len(tables) == 1:
        return tables[0]
    if len({layout_of(table) for table in tables}) != 1:
        raise Undecodable(Reason.UNSUPPORTED, "a stream of no messages, or of several layouts")
    names, columns, kinds = stack(tables)
    return Columns(names, columns, sum(map(len, tables)), kinds)
