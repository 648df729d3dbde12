"""The messages of the Open Inference Protocol's gRPC service, as far as rows need them, without generated code.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_grpc.md
Fields that are left out (parameters, requested outputs) are skipped by the parser.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

_STRING, _BYTES, _MESSAGE, _BOOL, _INT32, _INT64, _UINT32, _UINT64, _FLOAT, _DOUBLE = 9, 12, 11, 8, 5, 3, 13, 4, 2, 1
_OPTIONAL, _REPEATED = 1, 3
_PACKAGE: Final = "neural.monitoring.decode.inference"

# (name, number, type, label, message type); numbers and types as in the specification
_CONTENTS: Final = (
    ("bool_contents", 1, _BOOL), ("int_contents", 2, _INT32), ("int64_contents", 3, _INT64), ("uint_contents", 4, _UINT32),
    ("uint64_contents", 5, _UINT64), ("fp32_contents", 6, _FLOAT), ("fp64_contents", 7, _DOUBLE), ("bytes_contents", 8, _BYTES),
)  # fmt: skip
CONTENTS_FIELDS: Final = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Datatype → the field that holds its values. FP16 and BF16 travel raw only."""


class MessageClasses(NamedTuple):
    """ModelInferRequest, ModelInferResponse, ModelStreamInferResponse."""

    request: Any
    response: Any
    stream_response: Any


@cache
def message_classes() -> MessageClasses:
    """Built once. Needs the protobuf package, which the sidecar's OTLP exporter brings."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="neural/open_inference.proto", package=_PACKAGE, syntax="proto3")
    contents = file.message_type.add(name="InferTensorContents")
    for name, number, kind in _CONTENTS:
        contents.field.add(name=name, number=number, type=kind, label=_REPEATED)
    tensor = file.message_type.add(name="InferTensor")
    tensor.field.add(name="name", number=1, type=_STRING, label=_OPTIONAL)
    tensor.field.add(name="datatype", number=2, type=_STRING, label=_OPTIONAL)
    tensor.field.add(name="shape", number=3, type=_INT64, label=_REPEATED)
    tensor.field.add(name="contents", number=5, type=_MESSAGE, label=_OPTIONAL, type_name=f".{_PACKAGE}.InferTensorContents")
    for name, tensors in (("ModelInferRequest", "inputs"), ("ModelInferResponse", "outputs")):
        message = file.message_type.add(name=name)
        for number, text in enumerate(("model_name", "model_version", "id"), start=1):
            message.field.add(name=text, number=number, type=_STRING, label=_OPTIONAL)
        message.field.add(name=tensors, number=5, type=_MESSAGE, label=_REPEATED, type_name=f".{_PACKAGE}.InferTensor")
        raw_number, raw = (7, "raw_input_contents") if tensors == "inputs" else (6, "raw_output_contents")
        message.field.add(name=raw, number=raw_number, type=_BYTES, label=_REPEATED)
    stream = file.message_type.add(name="ModelStreamInferResponse")
    stream.field.add(name="error_message", number=1, type=_STRING, label=_OPTIONAL)
    answer = f".{_PACKAGE}.ModelInferResponse"
    stream.field.add(name="infer_response", number=2, type=_MESSAGE, label=_OPTIONAL, type_name=answer)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = ("ModelInferRequest", "ModelInferResponse", "ModelStreamInferResponse")
    found = [message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in names]
    return MessageClasses(*found)
