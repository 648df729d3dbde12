"""Open Inference Protocol V2 over REST: JSON tensors, and the binary extension's tensors after the JSON.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from neural.monitoring.decode.parsed import Columns, Exchange, Reads, Reason, Request, Rows, Table, Undecodable, Values
from neural.monitoring.decode.protocols.v2_binary import TailReader
from neural.monitoring.decode.protocols.v2_types import JSON_KINDS
from neural.monitoring.decode.tables import flatten
from neural.monitoring.records import Kind

_HEAD: Final = itemgetter("name", "datatype")
_SHAPE: Final = itemgetter("shape")
_DATA: Final = itemgetter("data")
_LIST: Final = {list}
_MAX_LAYOUTS: Final = 512
_MAX_VALUES: Final = 2**31  # of one tensor: a shape beyond it is refused before any product is used


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the tensors of one client's requests have in common."""

    shapes: list[Any]
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    widths: list[int]
    wide: bool


class V2:
    """``inputs`` and ``outputs`` as named tensors; the first dimension is the row."""

    name = "v2"
    reads: Reads = "json"

    def __init__(self) -> None:
        self._layouts: dict[tuple[Any, ...], _Layout] = {}

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

    def _table(self, tensors: list[Any], tail: bytes) -> Table:
        if not tail:
            row = self._single_row(tensors)
            if row is not None:
                return row
        return self._any_rows(tensors, tail)

    def _single_row(self, tensors: list[Any]) -> Rows | None:
        """The way of most traffic: the tensors of the last request again, one row each. Anything else gives None."""
        try:
            layout = self._layouts.get(tuple(map(_HEAD, tensors)))
            if layout is None or list(map(_SHAPE, tensors)) != layout.shapes:
                return None
            data = list(map(_DATA, tensors))
            if set(map(type, data)) != _LIST or list(map(len, data)) != layout.widths:
                return None
            row = [values[0] if len(values) == 1 else values for values in data]
            if layout.wide:
                return Rows(layout.names, (row,), layout.kinds) if not any(map(_is_nested, data)) else None
            return Rows(layout.names, (row,), layout.kinds) if list not in set(map(type, row)) else None
        except (KeyError, TypeError, AttributeError):
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
        shapes = list(map(_SHAPE, tensors))
        key = tuple(map(_HEAD, tensors))
        if key in self._layouts or len(self._layouts) < _MAX_LAYOUTS:
            widths = [rows_and_width(shape)[1] for shape in shapes]
            self._layouts[key] = _Layout(shapes, tuple(names), tuple(kinds), widths, wide=any(width != 1 for width in widths))


def _is_nested(data: list[Any]) -> bool:
    return list in set(map(type, data))


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
    return (shape[0] if shape else 1), width
