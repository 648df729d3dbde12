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
        return None if dict in types else _alike((ANONYMOUS,), [items])
    names = tuple(items[0])
    if not names or list(map(tuple, items)).count(names) != len(items):
        return None
    flat = list(chain.from_iterable(map(_VALUES, items)))
    return _alike(names, [flat[place :: len(names)] for place in range(len(names))])


def _alike(names: tuple[str, ...], columns: list[list[Any]]) -> Columns | None:
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
