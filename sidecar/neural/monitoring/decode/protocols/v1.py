"""KServe V1 and TF Serving REST: ``instances`` → ``predictions``, columnar ``inputs`` → ``outputs``.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final

from neural.monitoring.decode.parsed import ANONYMOUS, Bulk, Exchange, Many, Reads, Reason, Request, Rows, Table, Undecodable
from neural.monitoring.decode.tables import request_ids, table_of_columns, table_of_items, table_of_singles

_INSTANCES: Final = itemgetter("instances")
_PREDICTIONS: Final = itemgetter("predictions")
_VERBS: Final = (":predict", ":classify", ":regress")


class V1:
    """One instance is one row: an object of features, a list of values, or a scalar."""

    name = "v1"
    reads: Reads = "json"

    def claims_path(self, path: str) -> bool:
        return path.endswith(_VERBS) and "/v1/models/" in path

    def claims(self, exchange: Exchange) -> bool:
        document = exchange.request_document
        return type(document) is dict and type(document.get("instances")) is list

    def request(self, exchange: Exchange) -> Request:
        document = exchange.request_document
        if type(document) is not dict:
            raise Undecodable(Reason.MALFORMED, "the request is no object")
        identity = document.get("id")
        return Request(_inputs(document), identity if type(identity) is str else "")

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        document = exchange.response_document
        if type(document) is not dict:
            raise Undecodable(Reason.MALFORMED, "the response is no object")
        if "predictions" in document:
            return predictions_table(document["predictions"], "predictions")
        if "outputs" in document:
            return predictions_table(document["outputs"], "outputs")
        if "results" in document:
            return _results(document["results"])
        del request
        raise Undecodable(Reason.MALFORMED, "neither predictions nor outputs nor results")

    def bulk(self, many: Many) -> Bulk | None:
        inputs = table_of_singles(list(map(_INSTANCES, many.request_documents)))
        outputs = None if inputs is None else table_of_singles(list(map(_PREDICTIONS, many.response_documents)))
        if inputs is None or outputs is None:
            return None
        return Bulk(inputs, outputs, request_ids(many.request_documents))


def _inputs(document: dict[str, Any]) -> Table:
    if "instances" in document:
        return table_of_items(document["instances"], "instances")
    if "examples" in document:
        return table_of_items(document["examples"], "examples")
    inputs = document.get("inputs")
    if type(inputs) is dict:
        return table_of_columns(inputs, "inputs")
    if inputs is not None:
        return table_of_items(inputs, "inputs")
    raise Undecodable(Reason.MALFORMED, "neither instances nor inputs nor examples")


def predictions_table(predictions: Any, where: str) -> Table:
    """A list with one item for each row, or an object of columns."""
    return table_of_columns(predictions, where) if type(predictions) is dict else table_of_items(predictions, where)


def _results(results: Any) -> Table:
    """TF Serving's classify: for each row a list of [class, score]; regress: a number for each row."""
    if type(results) is not list:
        raise Undecodable(Reason.MALFORMED, "results is no list")
    if not all(type(row) is list and all(type(pair) is list and len(pair) == 2 for pair in row) for row in results):
        return Rows((ANONYMOUS,), [(row,) for row in results])
    return Rows(("probabilities",), [({str(label): score for label, score in row},) for row in results])
