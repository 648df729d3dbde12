"""gRPC streams, and decisions that outlive a restart."""

from __future__ import annotations

import json
import struct

import pytest

from neural.monitoring.decode import Decoding
from neural.monitoring.decode.protocols.v2_schema import message_classes
from neural.monitoring.records import Kind
from neural.wire import CaptureBatch, CaptureEvent, Flag, Protocol


def framed(*messages: bytes) -> bytes:
    return b"".join(struct.pack(">BI", 0, len(message)) + message for message in messages)


def ask(value: float, name: str = "x") -> bytes:
    message = message_classes().request(model_name="m", model_version="2")
    message.inputs.add(name=name, datatype="FP32", shape=[1]).contents.fp32_contents.append(value)
    return message.SerializeToString()


def answer(label: int) -> bytes:
    message = message_classes().stream_response()
    message.infer_response.outputs.add(name="label", datatype="INT64", shape=[1]).contents.int64_contents.append(label)
    return message.SerializeToString()


def stream(request: bytes, response: bytes, flags=Flag.STREAMED | Flag.REQUEST_STREAMED):
    event = CaptureEvent(
        "p", 1, 1, protocol=Protocol.GRPC, grpc_status=0, path="/inference.GRPCInferenceService/ModelStreamInfer", flags=flags,
        request_body=request, response_body=response,
    )  # fmt: skip
    return Decoding().decode(CaptureBatch("s", 1, [event]))


def test_every_message_of_a_stream_is_a_row():
    decoded = stream(framed(ask(1.5), ask(2.5)), framed(answer(1), answer(0)))
    assert decoded.failures == []
    (batch,) = decoded.rows
    assert (batch.model, batch.version) == ("m", "2")
    assert batch.features["x"].values.tolist() == [1.5, 2.5]
    assert batch.predictions.values.tolist() == ["1", "0"]
    assert list(batch.row_ids) == ["p:0", "p:1"]


def test_more_answers_than_questions_do_not_pair():
    decoded = stream(framed(ask(1.5)), framed(answer(1), answer(0)))
    assert [failure.reason for failure in decoded.failures] == ["response_shape_mismatch"]
    assert decoded.rows[0].predictions is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (framed(ask(1.5))[:-1], "bad_protobuf"),
        (framed(ask(1.5)) + b"\0", "bad_protobuf"),
        (b"\1" + framed(ask(1.5))[1:], "bad_protobuf"),
        (framed(ask(1.5), ask(2.5, "y")), "unsupported"),
        (framed(b"") * 10_001, "too_many_rows"),
    ],
    ids=["cut", "half a prefix", "compressed", "two layouts", "too many"],
)
def test_damaged_streams_are_unparsed(body, reason):
    assert [failure.reason for failure in stream(body, b"").failures] == [reason]


def v1(features, prediction):
    body = json.dumps({"instances": [features]}).encode()
    answered = json.dumps({"predictions": [prediction]}).encode()
    return CaptureBatch(
        "s", 1, [CaptureEvent("p", 1, 1, status=200, path="/v1/models/m:predict", request_body=body, response_body=answered)]
    )


def test_a_restart_decides_nothing_anew():
    first = Decoding()
    first.decode(v1({"x": 1.5, "c": "a"}, 2.5))
    state = json.loads(json.dumps(first.snapshot()))
    second = Decoding()
    second.restore(state)
    later = v1({"x": "abc", "c": 7}, 3)
    for decoding in (first, second):
        (batch,) = decoding.decode(later).rows
        assert batch.features["x"].kind is Kind.NUMERIC
        assert batch.features["x"].invalid.tolist() == [True]
        assert batch.features["c"].values.tolist() == ["7"]
        assert batch.predictions.kind is Kind.NUMERIC
    assert second.snapshot() == first.snapshot()
