"""What is particular to each protocol; what they share is in the conformance suite."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from neural.monitoring.decode import DecodeSettings, Decoding, FeatureSettings
from neural.monitoring.decode.protocols.v2_schema import message_classes
from neural.monitoring.records import Kind
from neural.wire import CaptureBatch, CaptureEvent, Protocol

JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv; charset=utf-8"}


def decode(request, response=b"", path="/predict", settings=None, schema=None, headers=JSON, response_headers=JSON, **more):
    raw = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in (request, response)]
    event = CaptureEvent(
        "p", 1, 1, status=200, path=path, request_body=raw[0], response_body=raw[1], request_headers=headers,
        response_headers=response_headers, **more,
    )  # fmt: skip
    decoded = Decoding(settings, schema).decode(CaptureBatch("s", 1, [event]))
    return (decoded.rows[0] if decoded.rows else None), [failure.reason for failure in decoded.failures]


def features(batch):
    return {name: column.values.tolist() for name, column in batch.features.items()}


V2 = "/v2/models/m/infer"


def tensor(data, shape, datatype="FP32", name="x"):
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]], [[[1], [2]], [[3], [4]]]], ids=["flat", "nested", "deeper"])
def test_v2_data_may_be_flat_or_nested(data):
    batch, failures = decode({"inputs": [tensor(data, [2, 2])]}, path=V2)
    assert failures == []
    assert features(batch) == {"feature_0": [1, 3], "feature_1": [2, 4]}


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ([tensor([1, 2, 3], [2, 2])], "shape_mismatch"),
        ([tensor([[1], [2, 3]], [3])], None),
        ([tensor([[1, 2], 3], [3])], "shape_mismatch"),
        ([tensor([1], [-1])], "shape_mismatch"),
        ([tensor([1], ["1"])], "shape_mismatch"),
        ([tensor([1], None)], "shape_mismatch"),
        ([tensor([1], [2**40, 2**40])], "too_large"),
        ([tensor([1], [1]), tensor([1, 2], [2], name="y")], "shape_mismatch"),
        ([tensor([1], [1], datatype="FP7")], "malformed"),
        ([{"name": "x", "shape": [1], "datatype": "FP32"}], "malformed"),
        ([{"shape": [1], "datatype": "FP32", "data": [1]}], "malformed"),
        ([5], "malformed"),
        ([], "malformed"),
        ({}, "malformed"),
    ],
)  # fmt: skip
def test_v2_tensors_that_do_not_add_up_are_unparsed(inputs, reason):
    _, failures = decode({"inputs": inputs}, path=V2)
    assert failures == ([reason] if reason else [])


def test_v2_id_names_the_rows():
    batch, _ = decode({"id": "mine", "inputs": [tensor([1, 2], [2])]}, path=V2)
    assert list(batch.row_ids) == ["mine:0", "mine:1"]


def test_v2_null_is_missing_and_the_type_is_known_from_the_datatype():
    batch, _ = decode(
        {"inputs": [tensor([None], [1]), tensor([None], [1], "BYTES", "c"), tensor([None], [1], "BOOL", "b")]}, path=V2
    )
    assert [column.kind for column in batch.features.values()] == [Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN]
    assert all(column.missing.all() for column in batch.features.values())


def test_v2_the_quick_way_and_the_slow_way_agree():
    bodies = [
        {"inputs": [tensor([1.5], [1], name="a"), tensor(["x"], [1], "BYTES", "c"), tensor([1, 2, 3], [1, 3], name="w")]},
        {"inputs": [tensor([2.5], [1], name="a"), tensor(["y"], [1], "BYTES", "c"), tensor([4, 5, None], [1, 3], name="w")]},
        {"inputs": [tensor([[3.5]], [1], name="a"), tensor(["z"], [1], "BYTES", "c"), tensor([[7, 8, 9]], [1, 3], name="w")]},
        {"inputs": [tensor([4.5], [1, 1], name="a"), tensor(["w"], [1], "BYTES", "c"), tensor([1, 1, 1], [1, 3], name="w")]},
    ]
    events = [
        CaptureEvent(f"p{i}", 1, 1, status=200, path=V2, request_body=json.dumps(body).encode()) for i, body in enumerate(bodies)
    ]
    decoded = Decoding().decode(CaptureBatch("s", 1, events))
    assert decoded.failures == []
    found = {}
    for batch in decoded.rows:
        for place, row_id in enumerate(batch.row_ids):
            found[row_id] = {name: column.values[place] for name, column in batch.features.items()}
    assert [found[f"p{i}"]["a"] for i in range(4)] == [1.5, 2.5, 3.5, 4.5]
    assert [found[f"p{i}"]["c"] for i in range(4)] == ["x", "y", "z", "w"]
    assert [found[f"p{i}"]["w_1"] for i in range(4)] == [2, 5, 8, 1]
    assert np.isnan(found["p1"]["w_2"])


@pytest.mark.parametrize(
    ("datatype", "raw", "values"),
    [
        ("FP16", np.array([1.5, -2], "<f2").tobytes(), [1.5, -2]),
        ("BF16", b"".join(struct.pack("<f", v)[2:] for v in (1.5, -2.0)), [1.5, -2]),
        ("FP32", np.array([1.5, -2], "<f4").tobytes(), [1.5, -2]),
        ("FP64", np.array([1.5, np.nan], "<f8").tobytes(), [1.5, np.nan]),
        ("INT8", b"\x01\xff", [1, -1]),
        ("UINT8", b"\x01\xff", [1, 255]),
        ("INT16", np.array([1, -300], "<i2").tobytes(), [1, -300]),
        ("UINT16", np.array([1, 65535], "<u2").tobytes(), [1, 65535]),
        ("INT32", np.array([1, -(2**31)], "<i4").tobytes(), [1, -(2**31)]),
        ("UINT32", np.array([1, 2**32 - 1], "<u4").tobytes(), [1, 2**32 - 1]),
        ("INT64", np.array([1, -(2**52)], "<i8").tobytes(), [1, -(2**52)]),
        ("UINT64", np.array([1, 2**52], "<u8").tobytes(), [1, 2**52]),
        ("BOOL", b"\x01\x00", [1, 0]),
    ],
)
@pytest.mark.parametrize("way", ["binary extension", "gRPC raw"])
def test_every_raw_datatype_is_read(datatype, raw, values, way):
    if way == "gRPC raw":
        message = message_classes()[0](model_name="m")
        message.inputs.add(name="x", datatype=datatype, shape=[2])
        message.raw_input_contents.append(raw)
        batch, failures = decode(
            message.SerializeToString(),
            path="/inference.GRPCInferenceService/ModelInfer",
            headers={},
            protocol=Protocol.GRPC,
            grpc_status=0,
        )
    else:
        head = json.dumps(
            {"inputs": [{"name": "x", "shape": [2], "datatype": datatype, "parameters": {"binary_data_size": len(raw)}}]}
        ).encode()
        batch, failures = decode(head + raw, path=V2, headers={"inference-header-content-length": str(len(head))})
    assert failures == []
    np.testing.assert_array_equal(batch.features["x"].values, values)


@pytest.mark.parametrize("size", ["0", "99999", "-1", "x", "1e9"])
def test_a_header_length_beyond_the_body_is_unparsed(size):
    _, failures = decode({"inputs": []}, path=V2, headers={"inference-header-content-length": size})
    assert failures in (["shape_mismatch"], ["unsupported"])


@pytest.mark.parametrize(("declared", "tail"), [(8, b"1234"), (4, b"12345678"), (-4, b"1234"), (3, b"123")])
def test_binary_sizes_that_do_not_fit_are_unparsed(declared, tail):
    head = json.dumps(
        {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": declared}}]}
    ).encode()
    _, failures = decode(head + tail, path=V2, headers={"inference-header-content-length": str(len(head))})
    assert failures == ["shape_mismatch"]


def test_a_grpc_call_is_named_by_its_message_even_when_it_failed():
    message = message_classes()[0](model_name="fraud", model_version="7")
    event = CaptureEvent(
        "p",
        1,
        1,
        path="/inference.GRPCInferenceService/ModelInfer",
        protocol=Protocol.GRPC,
        grpc_status=13,
        request_body=message.SerializeToString(),
    )
    (traffic,) = Decoding().decode(CaptureBatch("s", 1, [event])).traffic
    assert (traffic.model, traffic.version, traffic.status.tolist(), traffic.failed.tolist()) == ("fraud", "7", [500], [True])


def test_v1_lists_of_values_are_rows_of_unnamed_features():
    batch, _ = decode({"instances": [[1, 2], [3, 4]]}, {"predictions": [[0.2, 0.8], [0.6, 0.4]]}, path="/v1/models/m:predict")
    assert features(batch) == {"feature_0": [1, 3], "feature_1": [2, 4]}
    assert batch.predictions.values.tolist() == ["1", "0"]


def test_v1_scalars_are_rows_of_one_feature():
    batch, _ = decode({"instances": ["good film", "bad film"]}, {"predictions": ["pos", "neg"]}, path="/v1/models/m:predict")
    assert features(batch) == {"feature_0": ["good film", "bad film"]}
    assert batch.predictions.values.tolist() == ["pos", "neg"]


def test_v1_rows_with_different_keys_are_joined_and_gaps_are_missing():
    batch, _ = decode({"instances": [{"a": 1}, {"b": 2}]}, path="/v1/models/m:predict")
    assert batch.features["a"].missing.tolist() == [False, True]
    assert batch.features["b"].missing.tolist() == [True, False]


def test_tf_classify_results_are_probabilities():
    batch, _ = decode(
        {"examples": [{"x": 1}, {"x": 2}]},
        {"results": [[["a", 0.9], ["b", 0.1]], [["a", 0.2], ["b", 0.8]]]},
        path="/v1/models/m:classify",
    )
    assert batch.predictions.values.tolist() == ["a", "b"]


def test_tf_regress_results_are_numbers():
    batch, _ = decode({"examples": [{"x": 1}]}, {"results": [2.5]}, path="/v1/models/m:regress")
    assert batch.predictions.values.tolist() == [2.5]


@pytest.mark.parametrize(
    "request_body",
    [
        {"instances": 5},
        {"instances": [1, {"a": 1}]},
        {"instances": [{"a": 1}, 1]},
        {},
        [1],
        "x",
        {"inputs": {"a": [1], "b": [1, 2]}},
    ],
)
def test_v1_requests_that_make_no_sense_are_unparsed(request_body):
    batch, failures = decode(request_body, path="/v1/models/m:predict")
    assert batch is None
    assert failures[0] in ("malformed", "shape_mismatch")


def test_an_empty_list_of_instances_is_no_rows_and_no_failure():
    assert decode({"instances": []}, {"predictions": []}, path="/v1/models/m:predict") == (None, [])


def test_sagemaker_csv_without_header_is_unnamed_features_and_csv_answers_are_predictions():
    batch, failures = decode(b"1.5,7\n2.5,8\n", b"0.25\n0.75\n", path="/invocations", headers=CSV, response_headers=CSV)
    assert failures == []
    assert features(batch) == {"feature_0": [1.5, 2.5], "feature_1": [7, 8]}
    assert batch.predictions.values.tolist() == [0.25, 0.75]


def test_sagemaker_predictions_may_stand_on_one_line():
    batch, failures = decode(b"1,2\n3,4\n", b"0.25,0.75", path="/invocations", headers=CSV, response_headers=CSV)
    assert (failures, batch.predictions.values.tolist()) == ([], [0.25, 0.75])


def test_sagemaker_inference_id_names_the_row():
    batch, _ = decode(
        b"1,2\n", b"0.5", path="/invocations", headers={**CSV, "x-amzn-sagemaker-inference-id": "inf-1"}, response_headers=CSV
    )
    assert list(batch.row_ids) == ["inf-1"]


def test_sagemaker_built_in_algorithms_features_lists():
    body = {"instances": [{"features": [1, 2]}, {"features": [3, 4]}]}
    batch, failures = decode(body, {"predictions": [{"score": 0.2, "predicted_label": 0}, {"score": 0.9, "predicted_label": 1}]}, path="/x/invocations",
                             settings=DecodeSettings(protocol="sagemaker"))  # fmt: skip
    assert failures == []
    assert features(batch) == {"feature_0": [1, 3], "feature_1": [2, 4]}
    assert batch.predictions.values.tolist() == ["0", "1"]


def test_csv_keeps_codes_with_leading_zeros_and_halves_of_numbers_as_text():
    batch, _ = decode(b"zip,n,s\n01067,.5,e5\n99999,5.,1e\n", b'{"predictions":[1,2]}', path="/invocations", headers=CSV)
    assert features(batch) == {"zip": ["01067", "99999"], "n": [0.5, 5.0], "s": ["e5", "1e"]}


@pytest.mark.parametrize("body", [b'a,b\n1,"2\n', b"a,b\n1\n", b"\xff\xfe", b"\n\n", b'a,b\n1,2"x"\n"'])
def test_damaged_csv_is_unparsed(body):
    batch, failures = decode(body, b'{"predictions":[1]}', path="/invocations", headers=CSV)
    assert batch is None
    assert len(failures) == 1
    assert failures[0] in ("bad_csv", "shape_mismatch", "empty_body")


def test_mlflow_inputs_may_be_a_tensor():
    batch, _ = decode({"inputs": [[1, 2], [3, 4]], "params": {"t": 1}}, {"predictions": [0, 1]}, path="/invocations")
    assert features(batch) == {"feature_0": [1, 3], "feature_1": [2, 4]}


def test_mlflow_two_kinds_of_input_are_malformed():
    _, failures = decode({"inputs": [1], "dataframe_records": [{"a": 1}]}, {"predictions": [0]}, path="/invocations")
    assert failures == ["malformed"]


def test_seldon_tensors_are_rows():
    body = {"data": {"names": ["a", "b"], "tensor": {"shape": [2, 2], "values": [1, 2, 3, 4]}}, "meta": {"puid": "u-1"}}
    answer = {"data": {"names": ["t:0", "t:1"], "tensor": {"shape": [2, 2], "values": [0.25, 0.75, 0.5, 0.5]}}}
    batch, failures = decode(body, answer, path="/api/v1.0/predictions")
    assert failures == []
    assert list(batch.row_ids) == ["u-1:0", "u-1:1"]
    assert features(batch) == {"a": [1, 3], "b": [2, 4]}
    assert batch.probabilities["t:1"].tolist() == [0.75, 0.5]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"ndarray": 1},
        {"tensor": {}},
        {"tensor": {"shape": [3], "values": [1]}},
        {"tensor": {"shape": [], "values": []}},
        {"tftensor": {}},
        5,
    ],
)
def test_seldon_data_that_does_not_add_up_is_unparsed(data):
    batch, failures = decode({"data": data}, path="/api/v1.0/predictions")
    assert batch is None
    assert len(failures) == 1


def test_torchserve_top_classes_are_probabilities():
    batch, failures = decode({"data": [0.5, 1.5]}, {"tabby": 0.46, "tiger": 0.41, "lynx": 0.1}, path="/predictions/cats/2")
    assert failures == []
    assert (batch.model, batch.version) == ("cats", "2")
    assert batch.predictions.values.tolist() == ["tabby"]


def test_plain_json_of_one_object():
    batch, _ = decode({"age": 3, "who": {"zip": "a"}}, {"prediction": 1, "probability": 0.75, "model": "x"})
    assert features(batch) == {"age": [3], "who.zip": ["a"]}
    assert batch.predictions.values.tolist() == ["1"]


def test_plain_json_with_a_nested_result():
    batch, _ = decode([1, 2, 3], {"result": {"label": "a", "probabilities": {"a": 0.9, "b": 0.1}}})
    assert list(features(batch)) == ["feature_0", "feature_1", "feature_2"]
    assert batch.predictions.values.tolist() == ["a"]
    assert batch.probabilities["b"].tolist() == [0.1]


def test_plain_json_elsewhere_is_traffic_and_no_row():
    batch, failures = decode({"user": "a", "password": "b"}, {"token": "c"}, path="/login")
    assert batch is None
    assert failures == ["no_decoder"]


def test_the_protocol_json_reads_every_path():
    batch, _ = decode({"age": 3}, {"prediction": 1}, path="/login", settings=DecodeSettings(protocol="json"))
    assert features(batch) == {"age": [3]}


def test_a_mapping_without_features_takes_the_rows_scalars():
    settings = DecodeSettings(mapping={"rows": "$.q.rows", "id": "$.rid", "prediction": "$.out"})
    batch, failures = decode({"rid": 7, "q": {"rows": [{"a": 1}]}}, [{"out": "x"}], settings=settings, path="/any")
    assert (failures, features(batch), list(batch.row_ids)) == ([], {"a": [1]}, ["7"])
    assert batch.predictions.values.tolist() == ["x"]


def test_a_mapping_that_finds_nothing_is_unparsed():
    settings = DecodeSettings(mapping={"rows": "$.q.rows"})
    assert decode({"a": 1}, settings=settings) == (None, ["malformed"])


def test_the_schema_names_unnamed_features():
    batch, _ = decode(
        {"instances": [[1, "x"]]}, path="/v1/models/m:predict", schema={"age": FeatureSettings(), "city": FeatureSettings()}
    )
    assert features(batch) == {"age": [1], "city": ["x"]}


@pytest.mark.parametrize(
    "answer",
    [5, {}, {"error": "no"}, {"predictions": 5}, {"results": 5}, {"predictions": [1, {}]}, {"outputs": {"a": [1, 2]}}, "x"],
    ids=str,
)
def test_v1_answers_that_make_no_sense_leave_the_rows_alone(answer):
    batch, failures = decode({"instances": [{"a": 1}]}, answer, path="/v1/models/m:predict")
    assert features(batch) == {"a": [1]}
    assert batch.predictions is None
    assert failures[0] in ("response_malformed", "response_shape_mismatch")


def test_a_binary_matrix_of_strings_is_a_column_each():
    raw = b"".join(struct.pack("<I", 1) + letter for letter in (b"a", b"b", b"c", b"d"))
    head = json.dumps(
        {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw)}}]}
    ).encode()
    batch, failures = decode(head + raw, path=V2, headers={"inference-header-content-length": str(len(head))})
    assert (failures, features(batch)) == ([], {"feature_0": ["a", "c"], "feature_1": ["b", "d"]})


def test_v1_columns_of_different_length_are_unparsed_and_scalars_are_one_row():
    assert decode({"inputs": {"a": [1, 2], "b": [1]}}, path="/v1/models/m:predict")[1] == ["shape_mismatch"]
    batch, _ = decode({"inputs": {"a": 1, "b": "x"}}, path="/v1/models/m:predict")
    assert features(batch) == {"a": [1], "b": ["x"]}


def test_nan_literals_are_read_when_the_settings_say_so():
    body = b'{"instances":[{"a":NaN,"b":Infinity}]}'
    assert decode(body, path="/v1/models/m:predict")[1] == ["nan_literal"]
    batch, failures = decode(body, path="/v1/models/m:predict", settings=DecodeSettings(nan_literals="accept"))
    assert failures == []
    assert batch.features["a"].missing.tolist() == [True]
    assert batch.features["b"].values.tolist() == [float("inf")]
