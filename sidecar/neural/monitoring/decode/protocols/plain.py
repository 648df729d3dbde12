"""Plain JSON: by the mapping of the configuration, else by the usual shapes. Also TorchServe and BentoML, which prescribe none."""

from __future__ import annotations

import re
from typing import Any, Final

from neural.monitoring.decode.jsonpath import find, parse_path
from neural.monitoring.decode.loose import outputs_of, rows_of
from neural.monitoring.decode.loose_bulk import outputs_of_many, rows_of_many
from neural.monitoring.decode.parsed import UNLOADED, Bulk, Exchange, Many, Reads, Reason, Request, Rows, Table, Undecodable
from neural.monitoring.decode.settings import MappingSettings
from neural.monitoring.decode.tables import table_of_items

_INFERENCE_PATH: Final = re.compile(
    r"^/$|(?:predict|infer|invocation|scor|classif|regress|forecast|recommend|rank|detect|estimate)[^/]*$", re.IGNORECASE
)
"""Last segments that speak of inference. A login or a search on the same server is traffic, but no row."""


class PlainJSON:
    """Objects, lists and the usual containers, where the path speaks of inference."""

    name = "json"
    reads: Reads = "json"

    def __init__(self, *, any_path: bool = False) -> None:
        self._any_path = any_path

    def claims_path(self, path: str) -> bool:
        del path
        return False

    def claims(self, exchange: Exchange) -> bool:
        shaped = type(exchange.request_document) in (dict, list)
        return shaped and (self._any_path or _INFERENCE_PATH.search(exchange.event.path) is not None)

    def request(self, exchange: Exchange) -> Request:
        return Request(rows_of(exchange.request_document))

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        return None if exchange.response_document is UNLOADED else outputs_of(exchange.response_document, len(request.table))

    def bulk(self, many: Many) -> Bulk | None:
        inputs = rows_of_many(many.request_documents)
        outputs = None if inputs is None else outputs_of_many(many.response_documents)
        return None if inputs is None or outputs is None else Bulk(inputs, outputs, [""] * len(many))


class TorchServe(PlainJSON):
    """``POST /predictions/<model>[/<version>]``. https://pytorch.org/serve/inference_api.html"""

    name = "torchserve"

    def claims_path(self, path: str) -> bool:
        return path.startswith("/predictions/")

    def claims(self, exchange: Exchange) -> bool:
        return self.claims_path(exchange.event.path)


class BentoML(PlainJSON):
    """``POST /<api>``, JSON keyed by argument name; told by its response header. https://docs.bentoml.com"""

    name = "bentoml"

    def claims(self, exchange: Exchange) -> bool:
        return "x-bentoml-request-id" in exchange.event.response_headers and type(exchange.request_document) in (dict, list)


class MappedJSON:
    """Features, id and predictions by JSONPath."""

    name = "mapping"
    reads: Reads = "json"

    def __init__(self, mapping: MappingSettings) -> None:
        self._mapping = mapping
        self._features = {name: parse_path(path) for name, path in mapping.features.items()}
        self._rows, self._outputs = parse_path(mapping.rows), parse_path(mapping.output_rows)
        self._id = parse_path(mapping.id) if mapping.id else None
        targets = {"prediction": mapping.prediction, "probability": mapping.probability}
        self._targets = {name: parse_path(path) for name, path in targets.items() if path}

    def claims_path(self, path: str) -> bool:
        return bool(self._mapping.path) and path.startswith(self._mapping.path)

    def claims(self, exchange: Exchange) -> bool:
        fits = not self._mapping.path or self.claims_path(exchange.event.path)
        return fits and type(exchange.request_document) in (dict, list)

    def request(self, exchange: Exchange) -> Request:
        document = exchange.request_document
        identity = None if self._id is None else find(document, self._id)
        return Request(self._table(find(document, self._rows)), str(identity) if isinstance(identity, str | int) else "")

    def _table(self, rows: Any) -> Table:
        items = rows if type(rows) is list else [rows]
        if rows is None:
            raise Undecodable(Reason.MALFORMED, f"nothing at {self._mapping.rows}")
        if not self._features:
            return table_of_items(items, self._mapping.rows)
        return Rows(tuple(self._features), [tuple(find(item, path) for path in self._features.values()) for item in items])

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        found = find(exchange.response_document, self._outputs)
        rows = len(request.table)
        if not self._targets:
            return outputs_of(found, rows)
        items = found if type(found) is list and len(found) == rows else [found]
        return Rows(tuple(self._targets), [tuple(find(item, path) for path in self._targets.values()) for item in items])
