"""Open Inference Protocol V2 over REST: JSON tensors, and the binary extension's tensors after the JSON.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from neural.monitoring.decode.parsed import (
    Bulk,
    Columns,
    Exchange,
    Many,
    Reads,
    Reason,
    Request,
    Rows,
    Table,
    Undecodable,
    Values,
)
from neural.monitoring.decode.protocols.v2_binary import TailReader
from neural.monitoring.decode.protocols.v2_skeleton import Skeleton, Skeletons
from neural.monitoring.decode.protocols.v2_types import JSON_KINDS
from neural.monitoring.decode.tables import flatten, request_ids
from neural.monitoring.records import Kind

_INPUTS: Final = itemgetter("inputs")
_OUTPUTS: Final = itemgetter("outputs")
_VALUES: Final = dict[str, Any].values
_LIST: Final = {list}
_CONTAINERS: Final = {list, dict}
_ONE: Final = {1}
_MAX_LAYOUTS: Final = 512
_MAX_VALUES: Final = 2**31  # of one tensor: a shape beyond it is refused before any product is used


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the tensors of one client's requests have in common. ``places`` are those of name, datatype, shape and data within a tensor."""

    keys: int
    places: tuple[int, int, int, int]
    names: tuple[str, ...]
    datatypes: list[str]
    shapes: list[list[int]]
    widths: list[int]
    kinds: tuple[Kind, ...]
    narrow: bool


class V2:
    """``inputs`` and ``outputs`` as named tensors; the first dimension is the row."""

    name = "v2"
    reads: Reads = "json"

    def __init__(self) -> None:
        self._layouts: dict[tuple[int, str], _Layout] = {}
        self._skeletons = Skeletons()

    def claims_path(self, path: str) -> bool:
        return path.endswith("/infer") and "/v2/models/" in path

    def claims(self, exchange: Exchange) -> bool:
        document = exchange.request_document
        tensors = document.get("inputs") if type(document) is dict else None
        return type(tensors) is list and bool(tensors) and type(tensors[0]) is dict and "datatype" in tensors[0]

    def request(self, exchange: Exchange) -> Request:
        document = exchange.request_document
        if type(document) is not dict or type(document.get("inputs")) is not list:
            raise Undecodable(Reason.MALFORMED, "no list of inputs")
        identity = document.get("id")
        return Request(self._table(document["inputs"], exchange.request_tail), identity if type(identity) is str else "")

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        del request
        document = exchange.response_document
        if type(document) is not dict or type(document.get("outputs")) is not list:
            raise Undecodable(Reason.MALFORMED, "no list of outputs")
        return self._table(document["outputs"], exchange.response_tail)

    def bulk(self, many: Many) -> Bulk | None:
        inputs = self._stacked(list(map(_INPUTS, many.request_documents)))
        outputs = None if inputs is None else self._stacked(list(map(_OUTPUTS, many.response_documents)))
        if inputs is None or outputs is None:
            return None
        self._learn(many, inputs, outputs)
        return Bulk(inputs, outputs, request_ids(many.request_documents))

    def skim(self, many: Many) -> Bulk | None:
        skeletons = self._skeletons.get(many.path)
        if skeletons is None:
            return None
        inputs = skeletons[0].read(many.requests)
        outputs = None if inputs is None else skeletons[1].read(many.responses)
        if inputs is None or outputs is None:
            self._skeletons.miss(many.path)
            return None
        self._skeletons.hit(many.path)
        return Bulk(inputs[0], outputs[0], inputs[1])

    def _learn(self, many: Many, inputs: Columns, outputs: Columns) -> None:
        if inputs.widths or outputs.widths or not self._skeletons.wants(many.path):
            return
        found = [
            Skeleton.learn(body, document, [column[-1] for column in table.columns], table.names, table.kinds)
            for body, document, table in (
                (many.requests[-1], many.request_documents[-1], inputs),
                (many.responses[-1], many.response_documents[-1], outputs),
            )
        ]
        if found[0] is not None and found[1] is not None:
            self._skeletons.keep(many.path, found[0], found[1])

    def _stacked(self, requests: list[Any]) -> Columns | None:
        """The tensors of many requests of the same layout, one row each: what ``_single_row`` does, for all of them in the same few calls."""
        rows, count = len(requests), len(requests[0])
        layout = self._layouts.get((count, requests[0][0]["name"]))
        if layout is None or set(map(type, requests)) != _LIST or set(map(len, requests)) != {count}:
            return None
        flat = list(chain.from_iterable(map(_VALUES, chain.from_iterable(requests))))
        name, datatype, shape, data = layout.places
        step = layout.keys
        expected = len(flat) == step * count * rows
        if not expected or flat[name::step] != [*layout.names] * rows or flat[datatype::step] != layout.datatypes * rows:
            return None
        values = flat[data::step]
        if set(map(type, values)) != _LIST or _CONTAINERS & set(map(type, chain.from_iterable(values))):
            return None
        if layout.narrow:
            if set(chain.from_iterable(flat[shape::step])) != _ONE or set(map(len, values)) != _ONE:
                return None
            cells = list(chain.from_iterable(values))
        else:
            if flat[shape::step] != layout.shapes * rows or list(map(len, values)) != layout.widths * rows:
                return None
            cells = [value[0] if len(value) == 1 else value for value in values]
        widths = () if layout.narrow else tuple(0 if width == 1 else width for width in layout.widths)
        return Columns(layout.names, [cells[place::count] for place in range(count)], rows, layout.kinds, widths)

    def _table(self, tensors: list[Any], tail: bytes) -> Table:
        if not tail:
            row = self._single_row(tensors)
            if row is not None:
                return row
        return self._any_rows(tensors, tail)

    def _single_row(self, tensors: list[Any]) -> Rows | None:
        """The way of most traffic: the tensors of the last request again, one row each. Anything else gives None.

        All values of all tensors go into one flat list, in which every fourth is a name, a shape …: a few C calls for any number of
        tensors. A tensor with other keys, or in another order, shows as a name or shape that is not the expected one.
        """
        try:
            layout = self._layouts.get((len(tensors), tensors[0]["name"]))
            if layout is None:
                return None
            flat = list(chain.from_iterable(map(_VALUES, tensors)))
            name, datatype, shape, data = layout.places
            step = layout.keys
            if (
                len(flat) != step * len(tensors)
                or tuple(flat[name::step]) != layout.names
                or flat[datatype::step] != layout.datatypes
            ):
                return None
            values = flat[data::step]
            if set(map(type, values)) != _LIST:
                return None
            return (
                _narrow_row(layout, flat[shape::step], values) if layout.narrow else _wide_row(layout, flat[shape::step], values)
            )
        except (KeyError, IndexError, TypeError):
            return None

    def _any_rows(self, tensors: list[Any], tail: bytes) -> Columns:
        if not tensors:
            raise Undecodable(Reason.MALFORMED, "no tensors")
        reader = TailReader(tail)
        names, columns, kinds, counts = list[str](), list[Values](), list[Kind](), set[int]()
        for tensor in tensors:
            name, kind, shape = _head(tensor)
            column = reader.read(tensor, shape) if _is_binary(tensor) else _json_column(tensor, shape)
            names.append(name)
            columns.append(column)
            kinds.append(kind)
            counts.add(len(column))
        if len(counts) > 1:
            raise Undecodable(Reason.SHAPE, f"tensors of {min(counts)} to {max(counts)} rows")
        reader.finish()
        rows = counts.pop() if counts else 0
        if rows == 1 and not tail:
            self._remember(tensors, names, kinds)
        return Columns(tuple(names), columns, rows, tuple(kinds))

    def _remember(self, tensors: list[Any], names: list[str], kinds: list[Kind]) -> None:
        keys = list(tensors[0])
        if "data" not in keys or any(list(tensor) != keys for tensor in tensors):
            return
        key = (len(tensors), names[0])
        if key not in self._layouts and len(self._layouts) >= _MAX_LAYOUTS:
            return
        shapes = [tensor["shape"] for tensor in tensors]
        widths = [rows_and_width(shape)[1] for shape in shapes]
        self._layouts[key] = _Layout(
            keys=len(keys),
            places=(keys.index("name"), keys.index("datatype"), keys.index("shape"), keys.index("data")),
            names=tuple(names),
            datatypes=[tensor["datatype"] for tensor in tensors],
            shapes=shapes,
            widths=widths,
            kinds=tuple(kinds),
            narrow=all(size == 1 for shape in shapes for size in shape),
        )


def _narrow_row(layout: _Layout, shapes: list[Any], data: list[Any]) -> Rows | None:
    """One value for each tensor: a shape of nothing but ones holds one, whatever its length."""
    row = list(chain.from_iterable(data))
    if set(chain.from_iterable(shapes)) != _ONE or len(row) != len(data) or list(map(len, data)) != layout.widths:
        return None
    return None if list in set(map(type, row)) else Rows(layout.names, (row,), layout.kinds)


def _wide_row(layout: _Layout, shapes: list[Any], data: list[Any]) -> Rows | None:
    if shapes != layout.shapes or list(map(len, data)) != layout.widths or list in set(map(type, chain.from_iterable(data))):
        return None
    return Rows(layout.names, ([values[0] if len(values) == 1 else values for values in data],), layout.kinds)


def _head(tensor: Any) -> tuple[str, Kind, list[int]]:
    """(name, kind, shape) of one tensor, checked."""
    if type(tensor) is not dict:
        raise Undecodable(Reason.MALFORMED, "a tensor is no object")
    name, datatype, shape = tensor.get("name"), tensor.get("datatype"), tensor.get("shape")
    if type(name) is not str or type(datatype) is not str or datatype not in JSON_KINDS:
        raise Undecodable(Reason.MALFORMED, "a tensor without name or known datatype")
    if type(shape) is not list or any(type(size) is not int or size < 0 for size in shape):
        raise Undecodable(Reason.SHAPE, f"tensor {name[:60]!r} has no shape")
    return name, JSON_KINDS[datatype], shape


def _is_binary(tensor: dict[str, Any]) -> bool:
    parameters = tensor.get("parameters")
    return type(parameters) is dict and "binary_data_size" in parameters


def _json_column(tensor: dict[str, Any], shape: list[int]) -> Values:
    """One value for each row, or a list of values where rows are wide."""
    data, where = tensor.get("data"), f"tensor {tensor['name'][:60]!r}"
    if type(data) is not list:
        raise Undecodable(Reason.MALFORMED, f"{where} has no data")
    flat = flatten(data, where)
    rows, width = rows_and_width(shape)
    if rows * width != len(flat):
        raise Undecodable(Reason.SHAPE, f"{where} has {len(flat)} values for shape {shape[:8]}")
    return flat if width == 1 else [flat[start : start + width] for start in range(0, len(flat), width or 1)]


def rows_and_width(shape: list[int]) -> tuple[int, int]:
    """The first dimension, and the product of the others. A scalar is one row."""
    width = 1
    for size in shape[1:]:
        width *= size
        if width > _MAX_VALUES:
            raise Undecodable(Reason.TOO_LARGE, "a tensor's shape has too many values")
    rows = shape[0] if shape else 1
    if rows and not width:
        raise Undecodable(Reason.SHAPE, "a tensor whose rows are empty")
    return rows, width
