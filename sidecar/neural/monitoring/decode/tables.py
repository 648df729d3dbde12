"""JSON shapes that several protocols share: lists of instances, objects of columns, nested arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

from neural.monitoring.decode.parsed import ANONYMOUS, Columns, Reason, Rows, Table, Undecodable
from neural.monitoring.decode.stacking import is_even, widths_of

_MAX_ARRAY_DEPTH: Final = 16
_CONTAINERS: Final = frozenset({list, dict})
_VALUES: Final = dict[str, Any].values


def table_of_items(items: Any, where: str) -> Table:
    """A list with one item for each row: objects (name → value), scalars, or lists of values."""
    if type(items) is not list:
        raise Undecodable(Reason.MALFORMED, f"{where} is no list")
    if not items:
        return Rows((), ())
    first = items[0]
    if type(first) is not dict:
        if dict in set(map(type, items)):
            raise Undecodable(Reason.MALFORMED, f"{where} mixes objects and other values")
        return Rows((ANONYMOUS,), [(item,) for item in items])
    names = tuple(first)
    if len(items) == 1:
        return Rows(names, (tuple(first.values()),))
    return _table_of_objects(items, names, where)


def _table_of_objects(items: Sequence[Any], names: tuple[str, ...], where: str) -> Rows:
    if set(map(type, items)) != {dict}:
        raise Undecodable(Reason.MALFORMED, f"{where} mixes objects and other values")
    if all(tuple(item) == names for item in items):
        return Rows(names, [tuple(item.values()) for item in items])
    every = tuple(dict.fromkeys(chain.from_iterable(items)))
    return Rows(every, [tuple(item.get(name) for name in every) for item in items])


def table_of_columns(columns: Mapping[str, Any], where: str) -> Table:
    """An object name → list with one value for each row; scalars are lists of one."""
    lists = [value if type(value) is list else [value] for value in columns.values()]
    counts = set(map(len, lists))
    if len(counts) > 1:
        raise Undecodable(Reason.SHAPE, f"the columns of {where} have {min(counts)} to {max(counts)} values")
    return Columns(tuple(columns), lists, counts.pop() if counts else 0)


def table_of_matrix(names: Sequence[Any], rows: Any, where: str) -> Rows:
    """Column names and a list of rows."""
    if type(rows) is not list or any(type(row) is not list for row in rows):
        raise Undecodable(Reason.MALFORMED, f"{where} is no list of rows")
    if any(len(row) != len(names) for row in rows):
        raise Undecodable(Reason.SHAPE, f"{where} has rows without {len(names)} values")
    return Rows(tuple(map(str, names)), rows)


def table_of_single_matrices(names: Sequence[Any], rows: Sequence[Any]) -> Columns | None:
    """Column names and a list of one row, of many requests, stacked. None when they are not all alike."""
    first = names[0]
    if type(first) is not list or names.count(first) != len(names) or set(map(type, rows)) != {list}:
        return None
    if set(map(len, rows)) != {1}:
        return None
    lines = list(chain.from_iterable(rows))
    if set(map(type, lines)) != {list} or set(map(len, lines)) != {len(first)} or not first:
        return None
    return alike_columns(tuple(map(str, first)), list(map(list, zip(*lines, strict=True))))


def flatten(data: list[Any], where: str) -> list[Any]:
    """A nested array as one flat list, row-major. Ragged nesting is refused where a list meets a scalar."""
    for _ in range(_MAX_ARRAY_DEPTH):
        if not data or type(data[0]) is not list:
            if list in set(map(type, data)):
                raise Undecodable(Reason.SHAPE, f"{where} is ragged")
            return data
        try:
            data = list(chain.from_iterable(data))
        except TypeError:
            raise Undecodable(Reason.SHAPE, f"{where} is ragged") from None
    raise Undecodable(Reason.TOO_DEEP, f"{where} is nested more than {_MAX_ARRAY_DEPTH} deep")


def table_of_singles(lists: Sequence[Any]) -> Columns | None:
    """Lists of one item each, as many requests of one row have them, stacked: objects with the same keys, or other values.

    None when they are not all alike.
    """
    if set(map(type, lists)) != {list} or set(map(len, lists)) != {1}:
        return None
    items = list(chain.from_iterable(lists))
    types = set(map(type, items))
    if types != {dict}:
        return None if dict in types else alike_columns((ANONYMOUS,), [items])
    shape = columns_of_objects(items)
    return None if shape is None else alike_columns(*shape)


def columns_of_objects(items: Sequence[Any]) -> tuple[tuple[str, ...], list[list[Any]]] | None:
    """Objects with the same keys in the same order as names and columns; None when they have others, or none."""
    names = tuple(items[0])
    if not names or list(map(tuple, items)).count(names) != len(items):
        return None
    flat = list(chain.from_iterable(map(_VALUES, items)))
    return names, [flat[place :: len(names)] for place in range(len(names))]


def table_of_single_columns(items: Sequence[Any]) -> Columns | None:
    """Objects of columns with one value each, stacked: lists of one, or scalars. None when they are not all alike."""
    shape = columns_of_objects(items) if set(map(type, items)) == {dict} else None
    if shape is None:
        return None
    columns = list[list[Any]]()
    for column in shape[1]:
        types = set(map(type, column))
        if list in types and (len(types) > 1 or set(map(len, column)) != {1}):
            return None
        columns.append(list(chain.from_iterable(column)) if list in types else column)
    return alike_columns(shape[0], columns)


def alike_columns(names: tuple[str, ...], columns: list[list[Any]]) -> Columns | None:
    """The table; None where a column's objects or lists are not all alike: then each request has a layout of its own."""
    types = [set(map(type, column)) for column in columns]
    table = Columns(names, columns, len(columns[0]), widths=(), types=types)
    if not any(seen & _CONTAINERS for seen in types):
        return table
    if any(seen & _CONTAINERS and len(seen) > 1 for seen in types):
        return None
    table.widths = None
    table.widths = widths = widths_of(table)
    return table if all(map(is_even, widths)) else None


def request_ids(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ``id`` of each document, "" where it has none."""
    found = [document.get("id", "") for document in documents]
    return found if set(map(type, found)) == {str} else [one if type(one) is str else "" for one in found]
