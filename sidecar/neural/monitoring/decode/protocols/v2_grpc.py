"""Open Inference Protocol V2 over gRPC: typed contents and raw contents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from neural.monitoring.decode.grpc_messages import request_messages, response_messages
from neural.monitoring.decode.parsed import Columns, Exchange, Reads, Reason, Request, Table, Undecodable, Values
from neural.monitoring.decode.protocols.v2 import rows_and_width
from neural.monitoring.decode.protocols.v2_binary import read_raw, text_of
from neural.monitoring.decode.protocols.v2_schema import CONTENTS_FIELDS, message_classes
from neural.monitoring.decode.protocols.v2_types import JSON_KINDS
from neural.monitoring.decode.stacking import stacked
from neural.monitoring.records import Kind

_METHODS: Final = (".GRPCInferenceService/ModelInfer", ".GRPCInferenceService/ModelStreamInfer")


class V2Grpc:
    """``ModelInfer`` of ``inference.GRPCInferenceService``, and Triton's ``ModelStreamInfer``."""

    name = "v2-grpc"
    reads: Reads = "bytes"

    def claims_path(self, path: str) -> bool:
        return path.endswith(_METHODS)

    def claims(self, exchange: Exchange) -> bool:
        return self.claims_path(exchange.event.path)

    def request(self, exchange: Exchange) -> Request:
        messages = [_parse(message_classes().request, one) for one in request_messages(exchange.event, exchange.request)]
        table = stacked([_table(message.inputs, message.raw_input_contents) for message in messages])
        return Request(table, messages[0].id if len(messages) == 1 else "")

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        del request
        bodies = response_messages(exchange.event, exchange.response)
        classes = message_classes()
        if exchange.event.path.endswith("/ModelStreamInfer"):
            messages = [_parse(classes.stream_response, one).infer_response for one in bodies]
        else:
            messages = [_parse(classes.response, one) for one in bodies]
        return stacked([_table(message.outputs, message.raw_output_contents) for message in messages])


def _parse(message_class: Any, body: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return message_class.FromString(body)
    except (DecodeError, RecursionError):
        raise Undecodable(Reason.BAD_PROTOBUF, "no message of the inference service") from None


def _table(tensors: Sequence[Any], raw: Sequence[bytes]) -> Columns:
    if not tensors:
        raise Undecodable(Reason.MALFORMED, "no tensors")
    if raw and len(raw) != len(tensors):
        raise Undecodable(Reason.SHAPE, f"{len(raw)} raw contents for {len(tensors)} tensors")
    columns, counts = list[Values](), set[int]()
    kinds = list[Kind]()
    for place, tensor in enumerate(tensors):
        kind = JSON_KINDS.get(tensor.datatype)
        if kind is None:
            raise Undecodable(Reason.MALFORMED, "a tensor of unknown datatype")
        shape = list(tensor.shape)
        if any(size < 0 for size in shape):
            raise Undecodable(Reason.SHAPE, "a negative dimension")
        column = read_raw(memoryview(raw[place]), tensor.datatype, shape, tensor.name) if raw else _typed(tensor, shape)
        columns.append(column)
        kinds.append(kind)
        counts.add(len(column))
    if len(counts) > 1:
        raise Undecodable(Reason.SHAPE, f"tensors of {min(counts)} to {max(counts)} rows")
    return Columns(tuple(tensor.name for tensor in tensors), columns, counts.pop() if counts else 0, tuple(kinds))


def _typed(tensor: Any, shape: list[int]) -> Values:
    field = CONTENTS_FIELDS.get(tensor.datatype)
    if field is None:
        raise Undecodable(Reason.MALFORMED, f"{tensor.datatype} travels only raw")
    values = list(getattr(tensor.contents, field))
    if tensor.datatype == "BYTES":
        values = [text_of(value) for value in values]
    rows, width = rows_and_width(shape)
    if rows * width != len(values):
        raise Undecodable(Reason.SHAPE, f"tensor {tensor.name[:60]!r} has {len(values)} values for its shape")
    return values if width == 1 else [values[start : start + width] for start in range(0, len(values), width or 1)]
