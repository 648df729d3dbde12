"""JSON whose shape no protocol prescribes: the usual ways in which people send rows and get predictions.

Rows: an object is one row, a list of objects or lists is many, a list of scalars is one row's vector; any of these may sit under one of
the usual names. Outputs: a list with one item for each row, or for one row an object or a scalar, again under one of the usual names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from neural.monitoring.decode.outcomes import PROBABILITY_NAMES
from neural.monitoring.decode.parsed import ANONYMOUS, Columns, Reason, Rows, Table, Undecodable
from neural.monitoring.decode.tables import table_of_columns, table_of_items

_ROW_CONTAINERS: Final = frozenset({
    "instances", "inputs", "input", "data", "features", "rows", "records", "samples", "examples", "input_data",
    "dataframe_records", "X", "x", "payload",
})  # fmt: skip
OUTPUT_CONTAINERS: Final = ("predictions", "outputs", "results", "result", "output", "data", "response", "prediction")
MAX_UNWRAPPING: Final = 4
MAX_FLATTENING: Final = 4
WRAPPED_VECTORS: Final = frozenset({("features",), ("data",), ("values",)})
"""[{"features": [1, 2]}, …], as SageMaker's own algorithms have it: what stands there are the vectors themselves."""


def rows_of(document: Any, depth: int = 0) -> Table:
    """The rows of a request. Raises Undecodable when there are none to be seen."""
    if type(document) is list:
        return _rows_of_list(document)
    if type(document) is not dict:
        raise Undecodable(Reason.MALFORMED, "the request is neither object nor list")
    if not document:
        raise Undecodable(Reason.MALFORMED, "the request is an empty object")
    name = contained_name(document)
    if name is not None and depth < MAX_UNWRAPPING:
        return rows_of(document[name], depth + 1)
    values = list(document.values())
    lists = {len(value) for value in values if type(value) is list}
    if len(values) > 1 and len(lists) == 1 and all(type(value) is list for value in values):
        return table_of_columns(document, "the request")
    return Rows(tuple(document), (tuple(values),))


def _rows_of_list(items: list[Any]) -> Table:
    if items and not {dict, list} & set(map(type, items)):
        return Rows((ANONYMOUS,), ((items,),))  # one row's vector
    return _unwrap_features(table_of_items(items, "the request"))


def _unwrap_features(table: Table) -> Table:
    if isinstance(table, Rows) and table.names in WRAPPED_VECTORS:
        return Rows((ANONYMOUS,), table.rows) if all(type(row[0]) is list for row in table.rows) else table
    return table


def contained_name(document: Mapping[str, Any]) -> str | None:
    """The usual name, or the only one, that the rows stand under; None when the object is itself the row."""
    containers = [name for name, value in document.items() if type(value) in (list, dict)]
    if len(containers) == 1 and containers[0] in _ROW_CONTAINERS and document[containers[0]]:
        return containers[0]
    if len(document) == 1:
        ((name, value),) = document.items()
        nested = type(value) is dict or (type(value) is list and value and type(value[0]) in (list, dict))
        return name if nested else None
    return None


def outputs_of(document: Any, rows: int) -> Table | None:
    """The outputs of a response to so many rows. Raises Undecodable when their number does not fit."""
    if type(document) is dict:
        return _outputs_of_object(document, rows)
    if type(document) is list and len(document) == rows and not (rows == 1 and type(document[0]) is float):
        return table_of_items(document, "the response")
    if rows == 1:
        return Rows((ANONYMOUS,), ((document,),))
    raise Undecodable(Reason.SHAPE, f"the response has no {rows} items")


def _outputs_of_object(document: dict[str, Any], rows: int) -> Table:
    for name in OUTPUT_CONTAINERS:
        value = document.get(name)
        beside = len(document) > 1 and any(is_probability_name(key) for key in document)
        if type(value) is list and len(value) == rows and not beside:
            return table_of_items(value, "the response")
        if type(value) is dict and rows == 1 and not beside:
            return _one_row(value)
    if rows == 1:
        return _one_row(document)
    columns = {name: value for name, value in document.items() if type(value) is list and len(value) == rows}
    if not columns:
        raise Undecodable(Reason.SHAPE, f"the response has no {rows} items")
    return Columns(tuple(columns), list(columns.values()), rows)


def _one_row(document: dict[str, Any]) -> Rows:
    flat = dict[str, Any]()
    _flatten(document, "", flat, 0)
    if len(flat) > 1 and all(type(value) is float and 0 <= value <= 1 for value in flat.values()):
        named = [key for key in flat if is_probability_name(key.rpartition(".")[2])]
        if not named:  # an object class → probability, perhaps only the likeliest
            return Rows(("probabilities",), ((flat,),))
    return Rows(tuple(flat), (tuple(flat.values()),))


def _flatten(document: dict[str, Any], prefix: str, flat: dict[str, Any], depth: int) -> None:
    for name, value in document.items():
        if type(value) is dict and value and depth < MAX_FLATTENING and not is_probability_name(name):
            _flatten(value, f"{prefix}{name}.", flat, depth + 1)
        else:
            flat[prefix + name] = value


def is_probability_name(name: str) -> bool:
    return name.lower() in PROBABILITY_NAMES
