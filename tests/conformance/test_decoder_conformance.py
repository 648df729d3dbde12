"""One suite for every decoder: the same three rows and predictions, in the words of each protocol, give the same columns."""

from __future__ import annotations

import base64
import gzip
import json
import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from neural.monitoring.decode import DECODERS, Decoded, DecodeSettings, Decoding, MappingSettings
from neural.monitoring.decode.protocols.v2_schema import message_classes
from neural.monitoring.records import Kind
from neural.wire import CaptureBatch, CaptureEvent, Flag, Protocol

NAMES = ("age", "hours", "carrier")
ROWS = [(42.5, 3, "AA"), (18.25, -1, "DL"), (0.5, 1_000_000, "überair")]
LABELS = [1, 0, 1]
PROBABILITIES = [0.875, 0.25, 0.75]
JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv"}

Body = tuple[bytes, dict[str, str]]


@dataclass(frozen=True)
class Case:
    """How one protocol says rows and predictions. ``missing`` tells how it says that an age is not known, if it can."""

    decoder: str
    path: str
    request: Callable[[list[tuple]], Body]
    response: Callable[[list[tuple[int, float]]], Body]
    settings: DecodeSettings = field(default_factory=DecodeSettings)
    grpc: bool = False
    can_miss: bool = True
    only_one: bool = False


def js(document, **headers) -> Body:
    return json.dumps(document, ensure_ascii=False).encode(), JSON | headers


def records(rows):
    return [dict(zip(NAMES, row, strict=True)) for row in rows]


def columns(rows):
    return {name: [row[place] for row in rows] for place, name in enumerate(NAMES)}


def answers(outs):
    return [{"label": label, "probability": p} for label, p in outs]


def v2_tensor(name, kind, data):
    return {"name": name, "shape": [len(data)], "datatype": kind, "data": data}


def v2_request(rows):
    cols = columns(rows)
    kinds = {"age": "FP64", "hours": "INT64", "carrier": "BYTES"}
    return js({"inputs": [v2_tensor(name, kinds[name], cols[name]) for name in NAMES]})


def v2_response(outs):
    label, p = [o[0] for o in outs], [o[1] for o in outs]
    return js({"model_name": "m", "outputs": [v2_tensor("label", "INT64", label), v2_tensor("probability", "FP64", p)]})


def raw_strings(strings):
    return b"".join(struct.pack("<I", len(s.encode())) + s.encode() for s in strings)


def raw_columns(rows):
    cols = columns(rows)
    ages = np.array([math.nan if a is None else a for a in cols["age"]], dtype="<f8")
    return [
        ("age", "FP64", ages.tobytes()),
        ("hours", "INT64", np.array(cols["hours"], "<i8").tobytes()),
        ("carrier", "BYTES", raw_strings(cols["carrier"])),
    ]


def with_tail(key, tensors, rows):
    head = json.dumps({key: [
        {"name": name, "shape": [rows, 1], "datatype": kind, "parameters": {"binary_data_size": len(raw)}} for name, kind, raw in tensors
    ]}).encode()  # fmt: skip
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    return head + b"".join(raw for _, _, raw in tensors), headers


def v2_binary_request(rows):
    return with_tail("inputs", raw_columns(rows), len(rows))


def v2_binary_response(outs):
    label, p = np.array([o[0] for o in outs], "<i4"), np.array([o[1] for o in outs], "<f4")
    return with_tail("outputs", [("label", "INT32", label.tobytes()), ("probability", "FP32", p.tobytes())], len(outs))


def grpc_typed_request(rows):
    message, cols = message_classes()[0](model_name="m", id=""), columns(rows)
    for name, kind, where in (
        ("age", "FP64", "fp64_contents"),
        ("hours", "INT64", "int64_contents"),
        ("carrier", "BYTES", "bytes_contents"),
    ):
        tensor = message.inputs.add(name=name, datatype=kind, shape=[len(rows)])
        values = [math.nan if v is None else v.encode() if isinstance(v, str) else v for v in cols[name]]
        getattr(tensor.contents, where).extend(values)
    return message.SerializeToString(), {}


def grpc_typed_response(outs):
    message = message_classes()[1](model_name="m")
    message.outputs.add(name="label", datatype="INT32", shape=[len(outs), 1]).contents.int_contents.extend([o[0] for o in outs])
    message.outputs.add(name="probability", datatype="FP32", shape=[len(outs), 1]).contents.fp32_contents.extend(
        [o[1] for o in outs]
    )
    return message.SerializeToString(), {}


def grpc_raw_request(rows):
    message = message_classes()[0](model_name="m")
    for name, kind, raw in raw_columns(rows):
        message.inputs.add(name=name, datatype=kind, shape=[len(rows)])
        message.raw_input_contents.append(raw)
    return message.SerializeToString(), {}


def grpc_raw_response(outs):
    message = message_classes()[1](model_name="m")
    for name, kind, values in (
        ("label", "INT64", np.array([o[0] for o in outs], "<i8")),
        ("probability", "FP16", np.array([o[1] for o in outs], "<f2")),
    ):
        message.outputs.add(name=name, datatype=kind, shape=[len(outs)])
        message.raw_output_contents.append(values.tobytes())
    return message.SerializeToString(), {}


def csv_request(rows, header=True):
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    return "\r\n".join([",".join(NAMES)] * header + lines).encode(), CSV


def seldon_request(rows):
    return js({"data": {"names": list(NAMES), "ndarray": [list(row) for row in rows]}})


def seldon_response(outs):
    return js({"data": {"names": ["label", "probability"], "ndarray": [list(o) for o in outs]}, "meta": {}})


def only(make):
    """For protocols whose single row stands without a list around it."""
    return lambda items: js(make(items)[0]) if len(items) == 1 else js(make(items))


MAPPING = DecodeSettings(
    mapping=MappingSettings(
        path="/score", rows="$.batch[*].customer", features={"age": "$.facts.age", "hours": "$['hours']", "carrier": "$.by[0].name"},
        output_rows="$.answers", prediction="$.is", probability="$.p[0]",
    )
)  # fmt: skip


def mapped_request(rows):
    return js({"batch": [{"customer": {"facts": {"age": a}, "hours": h, "by": [{"name": c}], "noise": [1]}} for a, h, c in rows]})


def mapped_response(outs):
    return js({"answers": [{"is": label, "p": [p]} for label, p in outs], "took": 3})


CASES = {
    "Open Inference V2, JSON": Case("v2", "/v2/models/m/infer", v2_request, v2_response),
    "V2 of a version, told by content": Case("v2", "/anything", v2_request, v2_response),
    "V2 binary extension": Case("v2", "/v2/models/m/versions/1/infer", v2_binary_request, v2_binary_response),
    "V2 JSON asked, binary answered": Case("v2", "/v2/models/m/infer", v2_request, v2_binary_response),
    "V2 gRPC, typed contents": Case("v2-grpc", "/inference.GRPCInferenceService/ModelInfer", grpc_typed_request, grpc_typed_response, grpc=True),
    "V2 gRPC, raw contents": Case("v2-grpc", "/inference.GRPCInferenceService/ModelInfer", grpc_raw_request, grpc_raw_response, grpc=True),
    "KServe V1": Case("v1", "/v1/models/m:predict", lambda r: js({"instances": records(r)}), lambda o: js({"predictions": answers(o)})),
    "TF Serving, columnar": Case(
        "v1", "/v1/models/m/versions/2:predict", lambda r: js({"signature_name": "s", "inputs": columns(r)}),
        lambda o: js({"outputs": {"label": [x[0] for x in o], "probability": [[x[1]] for x in o]}}),
    ),
    "MLflow dataframe_split": Case(
        "mlflow", "/invocations", lambda r: js({"dataframe_split": {"index": list(range(len(r))), "columns": list(NAMES), "data": [list(x) for x in r]}, "params": {}}),
        lambda o: js({"predictions": answers(o)}),
    ),
    "MLflow dataframe_records": Case("mlflow", "/invocations", lambda r: js({"dataframe_records": records(r)}), lambda o: js({"predictions": answers(o)})),
    "MLflow instances": Case("v1", "/invocations", lambda r: js({"instances": records(r)}), lambda o: js({"predictions": answers(o)})),
    "MLflow inputs": Case("mlflow", "/invocations", lambda r: js({"inputs": columns(r)}), lambda o: js({"predictions": answers(o)})),
    "MLflow CSV": Case("mlflow", "/invocations", csv_request, lambda o: js({"predictions": answers(o)})),
    "SageMaker JSON": Case("sagemaker", "/invocations", lambda r: js(records(r)), lambda o: js({"predictions": [{"predicted_label": x, "probability": p} for x, p in o]})),
    "SageMaker JSON Lines": Case(
        "sagemaker", "/invocations", lambda r: ("\n".join(map(json.dumps, records(r))).encode(), {"content-type": "application/jsonlines"}),
        lambda o: ("\n".join(map(json.dumps, answers(o))).encode(), {"content-type": "application/jsonlines"}),
    ),
    "Seldon ndarray": Case("seldon", "/api/v1.0/predictions", seldon_request, seldon_response),
    "Seldon jsonData": Case("seldon", "/seldon/ns/dep/api/v1.0/predictions", lambda r: js({"jsonData": records(r)}), lambda o: js({"jsonData": answers(o)})),
    "TorchServe": Case("torchserve", "/predictions/m/2", lambda r: js({"data": records(r)}), lambda o: js(answers(o))),
    "BentoML": Case("bentoml", "/classify_it_all/please", lambda r: js({"frame": records(r)}), lambda o: js(answers(o), **{"x-bentoml-request-id": "1"})),
    "plain JSON objects": Case("json", "/predict", only(records), only(answers)),
    "plain JSON under usual names": Case("json", "/api/score", lambda r: js({"data": records(r), "trace": True}), lambda o: js({"predictions": answers(o), "model": "x"})),
    "plain JSON columns": Case("json", "/predict", lambda r: js({n: c if len(r) > 1 else c[0] for n, c in columns(r).items()}), lambda o: js(
        {"label": [x for x, _ in o], "probability": [p for _, p in o]} if len(o) > 1 else answers(o)[0])),
    "JSON by mapping": Case("mapping", "/score/now", mapped_request, mapped_response, settings=MAPPING),
}  # fmt: skip


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request) -> Case:
    return request.param


def event(case: Case, rows, outs, identity="p", **changes) -> CaptureEvent:
    (request, request_headers), (response, response_headers) = case.request(rows), case.response(outs)
    made = CaptureEvent(
        prediction_id=identity, started_unix_ns=1_700_000_000_000_000_000, duration_ns=2_000_000, path=case.path,
        protocol=Protocol.GRPC if case.grpc else Protocol.HTTP, status=0 if case.grpc else 200, grpc_status=0 if case.grpc else -1,
        request_body=request, response_body=response, request_headers=request_headers, response_headers=response_headers,
    )  # fmt: skip
    return made._replace(**changes)


def decode(case: Case, *events: CaptureEvent, decoding: Decoding | None = None) -> Decoded:
    return (decoding or Decoding(case.settings)).decode(CaptureBatch("s", 1, events))


def outs(count=3):
    return list(zip(LABELS, PROBABILITIES, strict=True))[:count]


def assert_rows(batch, rows, predictions):
    assert set(batch.features) == set(NAMES)
    ages = np.array([math.nan if row[0] is None else row[0] for row in rows])
    np.testing.assert_array_equal(batch.features["age"].values, ages)
    np.testing.assert_array_equal(batch.features["age"].missing, np.isnan(ages))
    np.testing.assert_array_equal(batch.features["hours"].values, [float(row[1]) for row in rows])
    assert batch.features["carrier"].values.tolist() == [row[2] for row in rows]
    assert [batch.features[name].kind for name in NAMES] == [Kind.NUMERIC, Kind.NUMERIC, Kind.CATEGORICAL]
    assert batch.predictions.kind is Kind.CATEGORICAL
    assert batch.predictions.values.tolist() == [str(label) for label, _ in predictions]
    np.testing.assert_allclose(batch.probabilities["1"], [p for _, p in predictions])
    np.testing.assert_allclose(batch.probabilities["0"], [1 - p for _, p in predictions])


def test_every_decoder_of_the_registry_is_in_this_suite():
    assert set(DECODERS) - {"protobuf"} == {case.decoder for case in CASES.values()}  # protobuf: its own file


def test_one_row_is_one_row_under_the_id_itself(case):
    decoded = decode(case, event(case, ROWS[:1], outs(1)))
    assert decoded.failures == []
    (batch,) = decoded.rows
    assert batch.decoder == case.decoder
    assert list(batch.row_ids) == ["p"]
    assert batch.times.tolist() == [1_700_000_000.0]
    assert batch.latency_seconds.tolist() == [0.002]
    assert_rows(batch, ROWS[:1], outs(1))


def test_many_rows_keep_their_order_and_are_numbered(case):
    decoded = decode(case, event(case, ROWS, outs()))
    assert decoded.failures == []
    (batch,) = decoded.rows
    assert list(batch.row_ids) == ["p:0", "p:1", "p:2"]
    assert_rows(batch, ROWS, outs())


def test_requests_of_one_layout_share_a_batch_in_their_order(case):
    requests = [event(case, [ROWS[i % 3]], [outs()[i % 3]], f"p{i}") for i in range(30)]
    requests.insert(10, event(case, ROWS, outs(), "many"))
    decoded = decode(case, *requests)
    assert decoded.failures == []
    assert sum(map(len, decoded.rows)) == 33
    by_id = {row_id: (batch, place) for batch in decoded.rows for place, row_id in enumerate(batch.row_ids)}
    assert len(by_id) == 33
    for i in range(30):
        batch, place = by_id[f"p{i}"]
        assert batch.features["carrier"].values[place] == ROWS[i % 3][2]
        assert batch.features["age"].values[place] == ROWS[i % 3][0]
        assert batch.predictions.values[place] == str(LABELS[i % 3])
    assert by_id["many:1"][0].features["hours"].values[by_id["many:1"][1]] == -1


def test_a_missing_number_is_missing_and_not_invalid(case):
    rows = [(None, *ROWS[0][1:]), ROWS[1], ROWS[2]]
    (batch,) = decode(case, event(case, rows, outs())).rows
    assert_rows(batch, rows, outs())
    assert batch.features["age"].invalid is None or not batch.features["age"].invalid.any()


def test_without_a_response_the_rows_stand_alone(case):
    (batch,) = decode(case, event(case, ROWS, outs(), response_body=b"")).rows
    assert len(batch) == 3
    assert batch.predictions is None
    assert batch.probabilities == {}


def test_a_truncated_response_is_counted_and_the_rows_stand_alone(case):
    decoded = decode(case, event(case, ROWS, outs(), flags=Flag.RESPONSE_TRUNCATED))
    assert [failure.reason for failure in decoded.failures] == ["response_truncated"]
    assert decoded.rows[0].predictions is None


def test_a_truncated_request_is_unparsed_traffic(case):
    decoded = decode(case, event(case, ROWS, outs(), flags=Flag.REQUEST_TRUNCATED))
    assert [failure.reason for failure in decoded.failures] == ["truncated"]
    assert decoded.rows == []
    assert decoded.traffic[0].unparsed == {"truncated": 1}


def test_a_failed_request_is_traffic_only(case):
    failed = {"grpc_status": 13} if case.grpc else {"status": 500}
    decoded = decode(case, event(case, ROWS, outs(), **failed))
    assert (decoded.rows, decoded.failures) == ([], [])
    assert decoded.traffic[0].failed.tolist() == [True]
    assert decoded.traffic[0].status.tolist() == [500]


def test_gzipped_bodies_are_read_like_plain_ones(case):
    plain = event(case, ROWS, outs())
    packed = plain._replace(
        request_body=gzip.compress(plain.request_body), request_headers={**plain.request_headers, "content-encoding": "gzip"},
        response_body=gzip.compress(plain.response_body), response_headers={**plain.response_headers, "content-encoding": "gzip"},
    )  # fmt: skip
    (batch,) = decode(case, packed).rows
    assert_rows(batch, ROWS, outs())


def test_outputs_that_do_not_fit_the_rows_never_pair_with_them(case):
    decoded = decode(case, event(case, ROWS, outs(2)))
    assert [failure.reason for failure in decoded.failures] == ["response_shape_mismatch"]
    assert decoded.rows[0].predictions is None


def test_a_cut_body_never_crashes_and_is_always_traffic(case):
    decoding = Decoding(case.settings)
    whole = event(case, ROWS, outs())
    for cut in range(len(whole.request_body)):
        decoded = decode(case, whole._replace(request_body=whole.request_body[:cut]), decoding=decoding)
        assert [len(traffic) for traffic in decoded.traffic] == [1]
        assert all(failure.reason != "decoder_error" for failure in decoded.failures)
        assert decoded.rows or decoded.failures
    for cut in range(1, len(whole.response_body)):
        decoded = decode(case, whole._replace(response_body=whole.response_body[:cut]), decoding=decoding)
        assert sum(map(len, decoded.rows)) == 3
        assert all(failure.reason != "decoder_error" for failure in decoded.failures)


def test_flipped_bytes_never_crash_and_never_reach_their_neighbours(case):
    rng = random.Random(case.path)
    good = event(case, ROWS[:1], outs(1), "good")
    for _ in range(150):
        spoiled = bytearray(good.request_body)
        for _ in range(rng.randint(1, 4)):
            spoiled[rng.randrange(len(spoiled))] = rng.randrange(256)
        decoded = decode(
            case, good, good._replace(prediction_id="bad", request_body=bytes(spoiled)), good._replace(prediction_id="good2")
        )
        ids = {row_id for batch in decoded.rows for row_id in batch.row_ids}
        assert {"good", "good2"} <= ids
        assert all(failure.prediction_id == "bad" and failure.reason != "decoder_error" for failure in decoded.failures)
        assert sum(map(len, decoded.traffic)) == 3


def test_failure_details_hold_no_values(case):
    secret = "s3cr3t-value"
    garbage = base64.b64encode(secret.encode()) + secret.encode()
    decoded = decode(case, event(case, ROWS, outs(), request_body=b'{"' + garbage))
    assert decoded.failures
    assert secret not in repr(decoded.failures)
