"""MLflow's scoring server, ``POST /invocations``: dataframe_split, dataframe_records, instances, inputs, and CSV with a header.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

from neural.monitoring.decode.delimited import content_type, csv_columns, has_header, read_csv
from neural.monitoring.decode.loose import outputs_of
from neural.monitoring.decode.loose_bulk import outputs_of_many
from neural.monitoring.decode.parsed import (
    UNLOADED,
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
from neural.monitoring.decode.protocols.v1 import predictions_table
from neural.monitoring.decode.tables import (
    table_of_columns,
    table_of_items,
    table_of_matrix,
    table_of_single_columns,
    table_of_single_matrices,
    table_of_singles,
)

_FRAMES: Final = frozenset({"dataframe_split", "dataframe_records"})
_LETTERS: Final = frozenset(b"abcdfghijklmnopqrstuvwxyz")  # without e, which numbers have too
_KEYS: Final = _FRAMES | {"instances", "inputs"}
_COLUMNS, _DATA, _PREDICTIONS = map(itemgetter, ("columns", "data", "predictions"))


class MLflow:
    """Exactly one of the four keys, beside ``params``; or CSV."""

    name = "mlflow"
    reads: Reads = "any"

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows

    def claims_path(self, path: str) -> bool:
        del path  # SageMaker has the same
        return False

    def claims(self, exchange: Exchange) -> bool:
        document = exchange.request_document
        if type(document) is dict:
            here = exchange.event.path.endswith("/invocations") and bool(_KEYS & document.keys())
            return bool(_FRAMES & document.keys()) or (here and _answers_like_mlflow(exchange))
        if content_type(exchange.event.request_headers) != "text/csv" or not exchange.event.path.endswith("/invocations"):
            return False
        answer = exchange.response_document
        if answer is UNLOADED:  # no response to go by: MLflow's CSV has a header, SageMaker's has none
            first = exchange.request.partition(b"\n")[0]
            return any(byte in _LETTERS for byte in first)
        return type(answer) is dict and "predictions" in answer

    def request(self, exchange: Exchange) -> Request:
        document = exchange.request_document
        if type(document) is dict:
            return Request(_table(document))
        if content_type(exchange.event.request_headers) == "text/csv":
            return Request(_csv(exchange.request, self._max_rows))
        raise document if isinstance(document, Undecodable) else Undecodable(Reason.MALFORMED, "the request is no object")

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        document = exchange.response_document
        if isinstance(document, Undecodable):
            raise document
        if type(document) is dict and "predictions" in document:
            predictions = document["predictions"]
            return (
                predictions_table(predictions, "predictions") if type(predictions) in (list, dict) else outputs_of(predictions, 1)
            )
        return outputs_of(document, len(request.table))  # servers before MLflow 2 answer a bare list

    def bulk(self, many: Many) -> Bulk | None:
        inputs = _tables(many.request_documents)
        outputs = None if inputs is None else _answers(many.response_documents)
        return None if inputs is None or outputs is None else Bulk(inputs, outputs, [""] * len(many))


def _answers_like_mlflow(exchange: Exchange) -> bool:
    document = exchange.response_document
    return type(document) is not dict or set(document) <= {"predictions", "trace"}


def _table(document: dict[str, Any]) -> Table:
    keys = [key for key in document if key in _KEYS]
    if len(keys) != 1:
        raise Undecodable(Reason.MALFORMED, f"{len(keys)} of the four input keys, one is asked for")
    value = document[keys[0]]
    if keys[0] == "dataframe_split":
        if type(value) is not dict or type(value.get("columns")) is not list:
            raise Undecodable(Reason.MALFORMED, "dataframe_split without columns")
        return table_of_matrix(value["columns"], value.get("data"), "dataframe_split")
    if keys[0] == "inputs" and type(value) is dict:
        return table_of_columns(value, "inputs")
    if keys[0] == "inputs" and type(value) is not list:
        return Rows(("",), ((value,),))
    return table_of_items(value, keys[0])


def _tables(documents: Sequence[Any]) -> Columns | None:
    """``_table`` of many requests of one row each; None when they are not all alike."""
    keys = [key for key in documents[0] if key in _KEYS]
    if len(keys) != 1 or any(len(_KEYS & document.keys()) != 1 for document in documents):
        return None
    values = list(map(itemgetter(keys[0]), documents))
    if keys[0] == "dataframe_split":
        return table_of_single_matrices(list(map(_COLUMNS, values)), list(map(_DATA, values)))
    objects = keys[0] == "inputs" and type(values[0]) is dict
    return table_of_single_columns(values) if objects else table_of_singles(values)


def _answers(documents: Sequence[Any]) -> Columns | None:
    """The same of ``response``."""
    named = {type(document) is dict and "predictions" in document for document in documents}
    if named != {True}:
        return outputs_of_many(documents) if named == {False} else None
    predictions = list(map(_PREDICTIONS, documents))
    objects = type(predictions[0]) is dict
    return table_of_single_columns(predictions) if objects else table_of_singles(predictions)


def _csv(body: bytes, max_rows: int) -> Columns:
    rows = read_csv(body, max_rows)
    if not has_header(rows):
        raise Undecodable(Reason.BAD_CSV, "the first line names no columns")
    names, cells = rows[0], rows[1:]
    if not cells:
        raise Undecodable(Reason.EMPTY, "a header without lines")
    return Columns(tuple(names), csv_columns(cells, len(names)), len(cells))
