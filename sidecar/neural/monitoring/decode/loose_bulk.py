"""The same as ``loose``, of many requests of one row each at once: JSON whose shape no protocol prescribes, column by column.

Every function answers None where the documents are not all of one shape, or not of one row: then each is looked at by itself. What is
decided here of all of them is only what ``loose`` decides of each by names and types that they have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from neural.monitoring.decode.loose import (
    MAX_FLATTENING,
    MAX_UNWRAPPING,
    OUTPUT_CONTAINERS,
    WRAPPED_VECTORS,
    contained_name,
    is_probability_name,
)
from neural.monitoring.decode.parsed import ANONYMOUS, Columns
from neural.monitoring.decode.tables import alike_columns, columns_of_objects, table_of_single_columns, table_of_singles

_CONTAINERS: Final = frozenset({list, dict})
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})

Shape = tuple[tuple[str, ...], list[list[Any]]]
"""Names, and for each a column with one value of each document."""


def rows_of_many(documents: Sequence[Any], depth: int = 0) -> Columns | None:
    """What ``rows_of`` makes of each."""
    types = set(map(type, documents))
    if types == {list}:
        return _rows_of_lists(documents)
    shape = columns_of_objects(documents) if types == {dict} else None
    if shape is None or not _is_uniform(shape[1]):
        return None
    names, columns = shape
    name = contained_name(documents[0])
    if name is not None and depth < MAX_UNWRAPPING:
        inner = columns[names.index(name)]
        return rows_of_many(inner, depth + 1) if len(names) > 1 or _begin_alike(inner) else None
    if len(names) == 1 and not _begin_alike(columns[0]):
        return None
    if len(names) > 1 and all(type(column[0]) is list for column in columns):
        return table_of_single_columns(documents)
    return alike_columns(names, columns)


def _begin_alike(column: Sequence[Any]) -> bool:
    """What stands under the only name is the row, or holds it: for all of them alike."""
    if type(column[0]) is not list:
        return True
    return len({bool(value) and type(value[0]) in _CONTAINERS for value in column}) == 1


def _rows_of_lists(documents: Sequence[list[Any]]) -> Columns | None:
    if not all(documents):
        return None
    if not set(map(type, chain.from_iterable(documents))) & _CONTAINERS:
        return alike_columns((ANONYMOUS,), [list(documents)])  # one row's vector each
    table = table_of_singles(documents)
    if table is not None and table.names in WRAPPED_VECTORS and type(table.columns[0][0]) is list:
        table.names = (ANONYMOUS,)
    return table


def _is_uniform(columns: Sequence[Sequence[Any]]) -> bool:
    """True when each column holds scalars, or only lists, or only objects, all of them empty or none."""
    for column in columns:
        types = set(map(type, column))
        if types & _CONTAINERS and (len(types) > 1 or (not all(column) and any(column))):
            return False
    return True


def outputs_of_many(documents: Sequence[Any]) -> Columns | None:
    """What ``outputs_of`` makes of each, for one row."""
    types = set(map(type, documents))
    if types == {dict}:
        return _outputs_of_objects(documents)
    if types == {list}:
        singles = {len(document) == 1 and type(document[0]) is not float for document in documents}
        if singles == {True}:
            return table_of_singles(documents)
        return alike_columns((ANONYMOUS,), [list(documents)]) if singles == {False} else None
    return alike_columns((ANONYMOUS,), [list(documents)]) if types <= _SCALARS else None


def _outputs_of_objects(documents: Sequence[dict[str, Any]]) -> Columns | None:
    shape = columns_of_objects(documents)
    if shape is None:
        return None
    names, columns = shape
    if len(names) > 1 and any(map(is_probability_name, names)):
        return _one_row_each(shape)
    for name in OUTPUT_CONTAINERS:
        column = columns[names.index(name)] if name in names else []
        types = set(map(type, column))
        if not types & _CONTAINERS:
            continue
        if types == {dict}:
            inner = columns_of_objects(column)
            return None if inner is None else _one_row_each(inner)
        if types != {list}:
            return None
        singles = {len(value) == 1 for value in column}
        if singles != {False}:
            return table_of_singles(column) if singles == {True} else None
    return _one_row_each(shape)


def _one_row_each(shape: Shape) -> Columns | None:
    flat = _flattened(*shape, "", 0)
    if flat is None or len(dict(flat)) != len(flat):
        return None
    names, columns = tuple(name for name, _ in flat), [column for _, column in flat]
    if len(names) > 1 and not any(is_probability_name(name.rpartition(".")[2]) for name in names):
        chances = _are_chances(columns)
        if chances is None:
            return None
        if chances:
            return alike_columns(("probabilities",), [[dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]])
    return alike_columns(names, columns)


def _flattened(names: Sequence[str], columns: Sequence[list[Any]], prefix: str, depth: int) -> list[tuple[str, list[Any]]] | None:
    flat: list[tuple[str, list[Any]]] = []
    for name, column in zip(names, columns, strict=True):
        types = set(map(type, column))
        if dict not in types or depth >= MAX_FLATTENING or is_probability_name(name):
            flat.append((prefix + name, column))
            continue
        inner = columns_of_objects(column) if types == {dict} else None
        below = None if inner is None else _flattened(*inner, f"{prefix}{name}.", depth + 1)
        if below is None:
            return None
        flat += below
    return flat


def _are_chances(columns: Sequence[Sequence[Any]]) -> bool | None:
    """Whether all values of each document are probabilities; None when they are in some documents only."""
    if any(float not in set(map(type, column)) for column in columns):
        return False
    found = {all(type(value) is float and 0 <= value <= 1 for value in row) for row in zip(*columns, strict=True)}
    return found.pop() if len(found) == 1 else None
