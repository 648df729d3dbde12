"""No body, however strange, makes a decoder raise, lose an event, or touch a neighbour's rows."""

from __future__ import annotations

import json
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neural.monitoring.decode import DECODERS, DecodeSettings, Decoding, MappingSettings
from neural.monitoring.decode.documents import DocumentReader
from neural.monitoring.decode.parsed import Undecodable
from neural.monitoring.records import Kind
from neural.wire import CaptureBatch, CaptureEvent, Protocol

RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
GOOD = {
    "v2": ("/v2/models/m/infer", b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[1.5]}]}'),
    "v1": ("/v1/models/m:predict", b'{"instances":[{"x":1.5}]}'),
    "mlflow": ("/invocations", b'{"dataframe_records":[{"x":1.5}]}'),
    "sagemaker": ("/invocations", b'[{"x":1.5}]'),
    "seldon": ("/api/v1.0/predictions", b'{"data":{"names":["x"],"ndarray":[[1.5]]}}'),
    "torchserve": ("/predictions/m", b'{"x":1.5}'),
    "bentoml": ("/predict", b'{"x":1.5}'),
    "json": ("/predict", b'{"x":1.5}'),
    "mapping": ("/predict", b'{"x":1.5}'),
}
KEYS = st.sampled_from(
    ["inputs", "outputs", "instances", "predictions", "data", "shape", "datatype", "name", "id", "parameters", "binary_data_size", "columns",
     "dataframe_split", "dataframe_records", "ndarray", "tensor", "values", "names", "jsonData", "meta", "puid", "label", "probability", "x", ""]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8),
    st.sampled_from(["FP64", "FP32", "BYTES", "BOOL", "INT64", "BF16", "x"]),
)  # fmt: skip
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)), max_leaves=25
)


def make(decoder: str) -> Decoding:
    mapping = MappingSettings(features={"x": "$.x"}, prediction="$.label") if decoder == "mapping" else None
    return Decoding(DecodeSettings(protocol=decoder, mapping=mapping))


def check(decoder: str, request: bytes, response: bytes) -> None:
    path, good = GOOD.get(decoder, ("/inference.GRPCInferenceService/ModelInfer", b""))
    headers = {"content-type": "application/json"}
    grpc = {"protocol": Protocol.GRPC, "grpc_status": 0} if decoder == "v2-grpc" else {"status": 200}
    spoiled = CaptureEvent(
        "bad",
        1,
        1,
        path=path,
        request_body=request,
        response_body=response,
        request_headers=headers,
        response_headers=headers,
        **grpc,
    )
    neighbours = (
        [spoiled._replace(prediction_id=name, request_body=good, response_body=b"") for name in ("left", "right")] if good else []
    )
    decoded = make(decoder).decode(CaptureBatch("s", 1, [*neighbours[:1], spoiled, *neighbours[1:]]))
    assert sum(map(len, decoded.traffic)) == 1 + len(neighbours)
    assert all(failure.prediction_id == "bad" for failure in decoded.failures)
    assert "decoder_error" not in {failure.reason.removeprefix("response_") for failure in decoded.failures}
    found = {}
    for batch in decoded.rows:
        assert len(batch.row_ids) == len(batch) == len(batch.weights) == len(batch.latency_seconds)
        for column in [*batch.features.values(), *([batch.predictions] if batch.predictions else [])]:
            assert len(column) == len(column.missing) == len(batch)
            assert column.invalid is None or len(column.invalid) == len(batch)
            if column.kind in (Kind.NUMERIC, Kind.BOOLEAN):
                assert column.values.dtype == np.float64
                absent = column.missing if column.invalid is None else column.missing | column.invalid
                np.testing.assert_array_equal(np.isnan(column.values), absent)
        for probabilities in batch.probabilities.values():
            assert probabilities.shape == (len(batch),)
        for place, row_id in enumerate(batch.row_ids):
            found[row_id] = (batch, place)
    for event in neighbours:
        batch, place = found[event.prediction_id]
        assert batch.features["x"].values[place] in (1.5, "1.5")


@pytest.mark.parametrize("decoder", sorted(set(DECODERS) - {"protobuf"}))
@RELAXED
@given(request=DOCUMENTS, response=DOCUMENTS)
def test_any_json_is_rows_or_a_reason(decoder, request, response):
    check(decoder, json.dumps(request).encode() or b"0", json.dumps(response).encode())


@pytest.mark.parametrize("decoder", sorted(set(DECODERS) - {"protobuf"}))
@RELAXED
@given(request=st.binary(min_size=1, max_size=200), response=st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_reason(decoder, request, response):
    check(decoder, request, response)


def skeleton(tensors):
    return st.fixed_dictionaries({tensors: st.lists(st.fixed_dictionaries({
        "name": st.sampled_from(["x", "label", "probability", ""]), "shape": st.lists(st.integers(-1, 4), max_size=3) | SCALARS,
        "datatype": st.sampled_from(["FP64", "BYTES", "INT64", "BOOL"]), "data": st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=6) | SCALARS,
    }), max_size=3)})  # fmt: skip


@RELAXED
@given(request=skeleton("inputs"), response=skeleton("outputs"))
def test_nearly_right_tensors_are_rows_or_a_reason(request, response):
    check("v2", json.dumps(request).encode(), json.dumps(response).encode())


ROWS = st.lists(
    st.fixed_dictionaries(
        {"x": SCALARS | st.lists(SCALARS, max_size=3), "y": SCALARS | st.dictionaries(KEYS, SCALARS, max_size=2)}
    ),
    max_size=4,
)


@RELAXED
@given(
    request=ROWS,
    response=st.lists(SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(KEYS, SCALARS, max_size=3), max_size=4),
)
def test_nearly_right_instances_are_rows_or_a_reason(request, response):
    check("v1", json.dumps({"instances": request}).encode(), json.dumps({"predictions": response}).encode())


@RELAXED
@given(
    tail=st.binary(max_size=64), size=st.integers(-2, 80), shape=st.lists(st.integers(0, 8), max_size=3),
    datatype=st.sampled_from(["FP16", "BF16", "FP32", "FP64", "BYTES", "BOOL", "INT8", "UINT64"]),
)  # fmt: skip
def test_any_binary_tail_is_rows_or_a_reason(tail, size, shape, datatype):
    tensor = {"name": "x", "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [tensor]}).encode()
    event = CaptureEvent(
        "p",
        1,
        1,
        status=200,
        path="/v2/models/m/infer",
        request_body=head + tail,
        request_headers={"inference-header-content-length": str(len(head))},
    )
    decoded = make("v2").decode(CaptureBatch("s", 1, [event]))
    assert all(failure.reason != "decoder_error" for failure in decoded.failures)
    assert len(decoded.traffic[0]) == 1


@RELAXED
@given(strings=st.lists(st.text(max_size=10), max_size=6))
def test_strings_survive_the_binary_extension(strings):
    raw = b"".join(struct.pack("<I", len(s.encode())) + s.encode() for s in strings)
    head = json.dumps(
        {"inputs": [{"name": "x", "shape": [len(strings)], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw)}}]}
    ).encode()
    event = CaptureEvent(
        "p",
        1,
        1,
        status=200,
        path="/v2/models/m/infer",
        request_body=head + raw,
        request_headers={"inference-header-content-length": str(len(head))},
    )
    decoded = make("v2").decode(CaptureBatch("s", 1, [event]))
    assert [value for batch in decoded.rows for value in batch.features["x"].values] == strings


def strict_loads(body):
    """json's own reading, with this reader's rules."""

    def pairs(items):
        if len(dict(items)) != len(items):
            raise ValueError("twice")
        return dict(items)

    def refuse(_):
        raise ValueError("no number of JSON's")

    return json.loads(body, object_pairs_hook=pairs, parse_constant=refuse)


FRAGMENTS = st.lists(
    st.sampled_from(
        ['{"a":1}', "{", "}", "[", "]", ",", '"a"', ":", "1", " ", '{"a":1,"a":2}', '"x:y"', "NaN", '{"b":{"a":[{"c":1}]}}']
    ),
    min_size=1,
    max_size=7,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, min_size=1, max_size=5))
def test_reading_in_bulk_is_reading_each_alone(texts):
    bodies = [text.encode() for text in texts]
    for body, found in zip(bodies, DocumentReader().read_many(bodies), strict=True):
        try:
            expected = strict_loads(body)
        except ValueError:
            assert isinstance(found, Undecodable), body
        else:
            assert found == expected


ONE_ROW = st.tuples(st.floats(-1e6, 1e6) | st.none(), st.sampled_from(["a", "b", None]), st.floats(0, 1))


@RELAXED
@given(rows=st.lists(ONE_ROW, min_size=1, max_size=30), cuts=st.lists(st.integers(0, 30), max_size=5))
def test_how_events_are_batched_changes_nothing(rows, cuts):
    events = [
        CaptureEvent(
            f"p{i}", 10**9 * i, 1, status=200, path="/v1/models/m:predict",
            request_body=json.dumps({"instances": [{"x": x, "c": c}]}).encode(), response_body=json.dumps({"predictions": [{"probability": p}]}).encode(),
        ) for i, (x, c, p) in enumerate([(1.0, "a", 0.5), *rows])
    ]  # fmt: skip
    edges = sorted({0, len(events), *(min(cut, len(events)) for cut in cuts)})

    def table(pieces):
        decoding, found = make("v1"), {}
        for piece in pieces:
            for batch in decoding.decode(CaptureBatch("s", 1, piece)).rows:
                for place, row_id in enumerate(batch.row_ids):
                    found[row_id] = (
                        repr(batch.features["x"].values[place]), batch.features["c"].values[place], batch.predictions.values[place],
                        batch.probabilities["1"][place], batch.times[place],
                    )  # fmt: skip
        return found

    assert table([events]) == table([events[a:b] for a, b in pairwise(edges)])


def tensors(row):
    x, c, wide = row
    return [
        {"name": "x", "shape": [1], "datatype": "FP64", "data": [x]}, {"name": "c", "shape": [1], "datatype": "BYTES", "data": [c]},
        {"name": "w", "shape": [1, len(wide)], "datatype": "FP64", "data": wide},
    ]  # fmt: skip


ODD = st.sampled_from(["same", "nested", "other order", "extra key", "id", "broken", "two rows", "other name", "no response"])


@RELAXED
@given(
    st.lists(
        st.tuples(
            st.tuples(
                st.floats(-9, 9) | st.none(), st.sampled_from(["a", None]), st.lists(st.floats(-9, 9), min_size=1, max_size=2)
            ),
            ODD,
        ),
        min_size=1,
        max_size=12,
    )
)
def test_decoding_together_is_decoding_each_alone(rows):
    events = []
    for i, (row, odd) in enumerate(rows):
        inputs = tensors(row)
        if odd == "nested":
            inputs[2]["data"] = [inputs[2]["data"]]
        elif odd == "other order":
            inputs[0] = dict(reversed(inputs[0].items()))
        elif odd == "extra key":
            inputs[1]["parameters"] = {}
        elif odd == "two rows":
            inputs = [{"name": "x", "shape": [2], "datatype": "FP64", "data": [1, 2]}]
        elif odd == "other name":
            inputs[1]["name"] = "d"
        document = {"inputs": inputs} | ({"id": f"own{i}"} if odd == "id" else {})
        answer = {"outputs": [{"name": "probability", "shape": [1], "datatype": "FP64", "data": [0.25]}]}
        request = json.dumps(document).encode()[: 40 if odd == "broken" else None]
        response = b"" if odd == "no response" else json.dumps(answer).encode()
        events.append(
            CaptureEvent(f"p{i}", 1, 1, status=200, path="/v2/models/m/infer", request_body=request, response_body=response)
        )

    def table(batches):
        decoding, found = make("v2"), {}
        decoding.decode(
            CaptureBatch(
                "s",
                1,
                [
                    CaptureEvent(
                        "w",
                        1,
                        1,
                        status=200,
                        path="/v2/models/m/infer",
                        request_body=json.dumps({"inputs": tensors((1.5, "a", [1.0]))}).encode(),
                    )
                ],
            )
        )
        for batch in batches:
            decoded = decoding.decode(CaptureBatch("s", 1, batch))
            for failure in decoded.failures:
                found[failure.prediction_id, "failure"] = failure.reason
            for rows in decoded.rows:
                for place, row_id in enumerate(rows.row_ids):
                    cells = {name: repr(column.values[place]) for name, column in rows.features.items()}
                    found[row_id] = (cells, None if rows.predictions is None else rows.predictions.values[place])
        return found

    assert table([events]) == table([[event] for event in events])
