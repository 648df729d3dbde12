"""SageMaker containers, ``POST /invocations``: CSV without header, JSON, JSON Lines.

https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
"""

from __future__ import annotations

from typing import Any, Final

from neural.monitoring.decode.delimited import content_type, csv_columns, has_header, read_csv, read_json_lines
from neural.monitoring.decode.loose import outputs_of, rows_of
from neural.monitoring.decode.parsed import ANONYMOUS, Columns, Exchange, Reads, Reason, Request, Rows, Table, Undecodable

_CSV: Final = "text/csv"
_LINES: Final = frozenset({"application/jsonlines", "application/x-jsonlines", "application/x-ndjson", "application/jsonl"})
_IDENTITY: Final = "x-amzn-sagemaker-inference-id"


class SageMaker:
    """The content type says how to read each body."""

    name = "sagemaker"
    reads: Reads = "any"

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows

    def claims_path(self, path: str) -> bool:
        del path  # MLflow has the same
        return False

    def claims(self, exchange: Exchange) -> bool:
        return exchange.event.path.endswith("/invocations")

    def request(self, exchange: Exchange) -> Request:
        headers = exchange.event.request_headers
        kind = content_type(headers)
        identity = headers.get(_IDENTITY, "")
        if kind == _CSV:
            return Request(self._csv(exchange.request), identity)
        if kind in _LINES:
            return Request(self._lines(exchange.request), identity)
        if isinstance(exchange.request_document, Undecodable):
            raise exchange.request_document
        return Request(rows_of(exchange.request_document), identity)

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        kind = content_type(exchange.event.response_headers) or content_type(exchange.event.request_headers)
        rows = len(request.table)
        if kind == _CSV and isinstance(exchange.response_document, Undecodable):
            return self._csv_outputs(exchange.response, rows)
        if kind in _LINES:
            items = read_json_lines(exchange.response, self._max_rows)
            return outputs_of(items if len(items) != 1 or rows == 1 else items[0], rows)
        if isinstance(exchange.response_document, Undecodable):
            raise exchange.response_document
        return outputs_of(exchange.response_document, rows)

    def _csv(self, body: bytes) -> Columns | Rows:
        rows = read_csv(body, self._max_rows)
        if not rows:
            raise Undecodable(Reason.EMPTY)
        if len(rows) > 1 and has_header(rows):
            return Columns(tuple(rows[0]), csv_columns(rows[1:], len(rows[0])), len(rows) - 1)
        return Rows((ANONYMOUS,), [(list(row),) for row in zip(*csv_columns(rows, len(rows[0])), strict=True)])

    def _csv_outputs(self, body: bytes, rows: int) -> Table:
        cells = read_csv(body, self._max_rows)
        if len(cells) == 1 and rows > 1 and len(cells[0]) == rows:  # all predictions on one line
            cells = [[cell] for cell in cells[0]]
        columns = csv_columns(cells, len(cells[0]) if cells else 0)
        return Rows((ANONYMOUS,), [(row[0] if len(row) == 1 else list(row),) for row in zip(*columns, strict=True)])

    def _lines(self, body: bytes) -> Table:
        items: list[Any] = read_json_lines(body, self._max_rows)
        return rows_of(items) if len(items) != 1 else rows_of(items[0])
