"""Protobuf by descriptor set, with a descriptor set that protoc wrote."""

from __future__ import annotations

import pytest

from neural.monitoring.decode import DecodeSettings, Decoding
from neural.monitoring.errors import ConfigError
from neural.wire import CaptureBatch, CaptureEvent, Protocol

PROTO = """
syntax = "proto3";
package shop.v1;
enum Tier { NONE = 0; GOLD = 1; }
message Customer { double age = 1; optional double income = 2; Tier tier = 3; map<string, double> more = 4; string city = 5; }
message Ask { repeated Customer rows = 1; string trace = 2; }
message Answer { message Item { string label = 1; double probability = 2; } repeated Item predictions = 1; }
service Scorer { rpc Score(Ask) returns (Answer); }
"""


def compile_in(folder):
    """(the descriptor set's path, message classes by name)."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from grpc_tools import protoc

    (folder / "shop.proto").write_text(PROTO)
    out = folder / "shop.pb"
    assert protoc.main(["protoc", f"-I{folder}", f"--descriptor_set_out={out}", "--include_imports", "shop.proto"]) == 0
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
        pool.Add(file)
    return out, {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"shop.v1.{name}")) for name in ("Ask", "Answer")
    }


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return compile_in(tmp_path_factory.mktemp("proto"))


def event(classes, rows, answers, path="/shop.v1.Scorer/Score", cut=None):
    request = classes["Ask"](rows=rows).SerializeToString()
    response = classes["Answer"](predictions=answers).SerializeToString()
    return CaptureEvent(
        "p", 1, 1, protocol=Protocol.GRPC, grpc_status=0, path=path, request_body=request[:cut], response_body=response
    )


ROWS = [{"age": 40, "income": 5.5, "tier": 1, "more": {"x": 1.0}, "city": "Ulm"}, {"age": 50, "more": {"x": 2.0}}]
ANSWERS = [{"label": "yes", "probability": 0.75}, {"label": "no", "probability": 0.25}]


def test_a_described_method_gives_rows_with_nested_and_optional_fields(compiled):
    path, classes = compiled
    decoded = Decoding(DecodeSettings(descriptor_set=str(path))).decode(CaptureBatch("s", 1, [event(classes, ROWS, ANSWERS)]))
    assert decoded.failures == []
    (batch,) = decoded.rows
    assert batch.decoder == "protobuf"
    values = {name: column.values.tolist() for name, column in batch.features.items()}
    assert values["age"] == [40, 50]
    assert values["tier"] == ["GOLD", "NONE"]
    assert values["more.x"] == [1, 2]
    assert values["city"] == ["Ulm", ""]
    assert batch.features["income"].missing.tolist() == [False, True]
    assert batch.predictions.values.tolist() == ["yes", "no"]


def test_a_mapping_applies_to_messages_too(compiled):
    path, classes = compiled
    settings = DecodeSettings(
        descriptor_set=str(path),
        mapping={
            "path": "/shop",
            "rows": "$.rows",
            "features": {"years": "$.age"},
            "output_rows": "$.predictions",
            "prediction": "$.label",
        },
    )
    (batch,) = Decoding(settings).decode(CaptureBatch("s", 1, [event(classes, ROWS, ANSWERS)])).rows
    assert {name: column.values.tolist() for name, column in batch.features.items()} == {"years": [40, 50]}


def test_messages_can_be_named_for_methods_of_ones_own(compiled):
    path, classes = compiled
    settings = DecodeSettings(descriptor_set=str(path), messages={"/other/Method": ["shop.v1.Ask", "shop.v1.Answer"]})
    decoded = Decoding(settings).decode(CaptureBatch("s", 1, [event(classes, ROWS, ANSWERS, path="/other/Method")]))
    assert len(decoded.rows[0]) == 2


def test_cut_messages_never_crash(compiled):
    path, classes = compiled
    decoding = Decoding(DecodeSettings(descriptor_set=str(path)))
    for cut in range(1, 40):
        decoded = decoding.decode(CaptureBatch("s", 1, [event(classes, ROWS, ANSWERS, cut=cut)]))
        assert all(failure.reason != "decoder_error" for failure in decoded.failures)
        assert len(decoded.traffic[0]) == 1


@pytest.mark.parametrize(
    ("content", "messages", "says"),
    [
        (None, {}, "No such file"),
        (b"\xff\xff\xff", {}, "no descriptor set"),
        ("good", {"/a/B": ["shop.v1.Nothing", "x"]}, "does not fit"),
    ],
)
def test_a_wrong_descriptor_set_is_one_clear_line(compiled, tmp_path, content, messages, says):
    path = tmp_path / "x.pb"
    if content is not None:
        path.write_bytes(compiled[0].read_bytes() if content == "good" else content)
    with pytest.raises(ConfigError, match=says):
        Decoding(DecodeSettings(descriptor_set=str(path), messages=messages))
