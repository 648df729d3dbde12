"""Seldon Core V1: ``POST /api/v1.0/predictions`` with data.ndarray, data.tensor, jsonData or strData.

https://docs.seldon.ai/seldon-core-1/references/prediction
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from neural.monitoring.decode.loose import outputs_of, rows_of
from neural.monitoring.decode.loose_bulk import outputs_of_many, rows_of_many
from neural.monitoring.decode.parsed import (
    ANONYMOUS,
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
)
from neural.monitoring.decode.tables import flatten, table_of_matrix, table_of_single_matrices, table_of_singles

_DATA, _NDARRAY = itemgetter("data"), itemgetter("ndarray")
_KEYS = frozenset({"data", "jsonData", "strData", "binData"})


class Seldon:
    """``names`` are the columns; ``meta.puid`` is the id."""

    name = "seldon"
    reads: Reads = "json"

    def claims_path(self, path: str) -> bool:
        return "/api/v" in path and path.endswith("/predictions")

    def claims(self, exchange: Exchange) -> bool:
        document = exchange.request_document
        if type(document) is not dict or not _KEYS & document.keys():
            return False
        data = document.get("data")
        return "jsonData" in document or (type(data) is dict and bool(data.keys() & {"ndarray", "tensor", "tftensor"}))

    def request(self, exchange: Exchange) -> Request:
        document = exchange.request_document
        if type(document) is not dict:
            raise Undecodable(Reason.MALFORMED, "the request is no object")
        meta = document.get("meta")
        puid = meta.get("puid") if type(meta) is dict else None
        if "jsonData" in document:
            return Request(rows_of(document["jsonData"]), puid if type(puid) is str else "")
        return Request(_data(document), puid if type(puid) is str else "")

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        document = exchange.response_document
        if type(document) is not dict:
            raise Undecodable(Reason.MALFORMED, "the response is no object")
        if "jsonData" in document:
            return outputs_of(document["jsonData"], len(request.table))
        if "strData" in document:
            return outputs_of(document["strData"], len(request.table))
        return _data(document)

    def bulk(self, many: Many) -> Bulk | None:
        inputs = _many(many.request_documents, rows_of_many)
        outputs = None if inputs is None else _many(many.response_documents, outputs_of_many)
        if inputs is None or outputs is None:
            return None
        metas = [document.get("meta") for document in many.request_documents]
        puids = [meta.get("puid") if type(meta) is dict else None for meta in metas]
        return Bulk(inputs, outputs, [puid if type(puid) is str else "" for puid in puids])


def _many(documents: Sequence[Any], loosely: Callable[[Sequence[Any]], Columns | None]) -> Columns | None:
    """The tables of many documents of one row each: ``jsonData``, or an ``ndarray`` of one row. None when they are not all alike."""
    if all("jsonData" in document for document in documents):
        return loosely([document["jsonData"] for document in documents])
    if any("jsonData" in document or "strData" in document for document in documents):
        return None
    data = list(map(_DATA, documents))
    names, rows = [one.get("names") for one in data], list(map(_NDARRAY, data))
    width = len(rows[0][0])
    if all(type(one) is list and len(one) == width for one in names):
        return table_of_single_matrices(names, rows)
    unnamed = all(type(one) is not list or not one for one in names)
    return table_of_singles(rows) if unnamed and {type(row) for one in rows for row in one} == {list} else None


def _data(document: dict[str, Any]) -> Table:
    data = document.get("data")
    if type(data) is not dict:
        raise Undecodable(Reason.UNSUPPORTED if _KEYS & document.keys() else Reason.MALFORMED, "no data with ndarray or tensor")
    rows = _rows(data)
    names = data.get("names")
    width = len(rows[0]) if rows and type(rows[0]) is list else 1
    if type(rows) is list and any(type(row) is not list for row in rows):
        rows = [row if type(row) is list else [row] for row in rows]
    if type(names) is list and len(names) == width and names:
        return table_of_matrix(names, rows, "data")
    return Rows((ANONYMOUS,), [(row,) for row in rows])


def _rows(data: dict[str, Any]) -> list[Any]:
    if "ndarray" in data:
        if type(data["ndarray"]) is not list:
            raise Undecodable(Reason.MALFORMED, "ndarray is no list")
        return list(data["ndarray"])
    tensor = data.get("tensor")
    if type(tensor) is not dict or type(tensor.get("values")) is not list or type(tensor.get("shape")) is not list:
        raise Undecodable(Reason.UNSUPPORTED if "tftensor" in data else Reason.MALFORMED, "neither ndarray nor tensor")
    shape, values = tensor["shape"], flatten(tensor["values"], "tensor")
    if not shape or any(type(size) is not int or size < 1 for size in shape):
        raise Undecodable(Reason.SHAPE, "tensor without shape")
    width, rest = divmod(len(values), shape[0])
    expected = 1
    for size in shape[:16]:
        expected *= size
    if rest or expected != len(values):
        raise Undecodable(Reason.SHAPE, f"tensor has {len(values)} values for shape {shape[:8]}")
    return [values[start : start + width] for start in range(0, len(values), width)]
