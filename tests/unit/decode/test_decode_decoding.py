from __future__ import annotations

import gzip
import json
import zlib

import pytest

from neural.monitoring.decode import DecodeSettings, Decoding
from neural.monitoring.errors import ConfigError
from neural.wire import CaptureBatch, CaptureEvent, Flag, Outcome, Protocol

BODY = b'{"instances":[{"a":1}]}'


def event(body=BODY, response=b'{"predictions":[1]}', identity="p", path="/v1/models/m:predict", **more) -> CaptureEvent:
    values = {"status": 200, "duration_ns": 5_000_000} | more
    return CaptureEvent(identity, 1_700_000_000_500_000_000, path=path, request_body=body, response_body=response, **values)


def decode(*events, **settings):
    return Decoding(DecodeSettings(**settings)).decode(CaptureBatch("s", 1, events))


def reasons(decoded):
    return [failure.reason for failure in decoded.failures]


def test_models_and_versions_are_kept_apart_and_named_by_event_then_path_then_default():
    decoded = decode(
        event(path="/v1/models/m/versions/3:predict"),
        event(model="mine", version="9"),
        event(path="/invoke/predict", body=b'{"a":1}', response=b'{"prediction":1}'),
        event(path="/v2/models/x/infer", status=503),
    )
    assert {(batch.model, batch.version) for batch in decoded.rows} == {("m", "3"), ("mine", "9"), ("default", "1.0")}
    assert {(t.model, t.version): len(t) for t in decoded.traffic} == {
        ("m", "3"): 1,
        ("mine", "9"): 1,
        ("default", "1.0"): 1,
        ("x", "1.0"): 1,
    }


def test_every_event_is_traffic_exactly_once_whatever_becomes_of_it():
    events = [
        event(), event(b"{broken"), event(b""), event(status=404), event(status=500), event(outcome=Outcome.EXCEPTION, status=0),
        event(outcome=Outcome.DISCONNECTED, status=0), event(method="GET", body=b""), event(flags=Flag.BODIES_OFF, body=b""), event(b"\xff" * 100),
    ]  # fmt: skip
    decoded = decode(*events)
    (traffic,) = decoded.traffic
    assert len(traffic) == len(events)
    assert traffic.status.tolist() == [200, 200, 200, 404, 500, 500, 499, 200, 200, 200]
    assert traffic.failed.tolist() == [False, False, False, False, True, True, False, False, False, False]
    assert traffic.unparsed == {"bad_json": 2, "empty_body": 1, "bodies_off": 1}
    assert sum(map(len, decoded.rows)) == 1


def test_grpc_codes_are_mapped_to_statuses():
    codes = [0, 3, 13, 14, 5]
    decoded = decode(*[event(protocol=Protocol.GRPC, grpc_status=code, status=0, body=b"") for code in codes])
    assert decoded.traffic[0].status.tolist() == [200, 400, 500, 500, 400]


def test_sampling_fractions_become_weights_of_rows_and_traffic():
    decoded = decode(
        event(sampling_fraction=0.25),
        event(sampling_fraction=1.0),
        event(sampling_fraction=0.0),
        event(sampling_fraction=float("nan")),
    )
    assert decoded.traffic[0].weights.tolist() == [4, 1, 1, 1]
    assert decoded.rows[0].weights.tolist() == [4, 1, 1, 1]


def test_trace_ids_are_taken_from_the_traceparent():
    trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    decoded = decode(event(traceparent=trace), event())
    assert list(decoded.traffic[0].trace_ids) == ["ab" * 16, ""]
    assert list(decode(event()).traffic[0].trace_ids) == []


def test_times_and_latencies_are_seconds():
    decoded = decode(event())
    assert decoded.traffic[0].times.tolist() == [1_700_000_000.5]
    assert decoded.rows[0].latency_seconds.tolist() == [0.005]


def test_a_heartbeat_is_nothing():
    decoded = decode()
    assert (decoded.rows, decoded.traffic, decoded.failures) == ([], [], [])


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda b: zlib.compress(b)[2:-4]),
        ("gzip, deflate", lambda b: zlib.compress(gzip.compress(b, mtime=0))),
        ("identity", bytes),
        ("GZIP", gzip.compress),
    ],
    ids=["gzip", "deflate", "raw deflate", "both", "identity", "upper case"],
)
def test_content_encodings_are_undone(encoding, pack):
    decoded = decode(event(pack(BODY), request_headers={"content-encoding": encoding}))
    assert reasons(decoded) == []
    assert sum(map(len, decoded.rows)) == 1


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", gzip.compress(b" " * 10_000_000, mtime=0), "too_large"),
        ("gzip", gzip.compress(BODY, mtime=0)[:-9], "truncated"),
        ("gzip", b"plain", "bad_content_encoding"),
        ("br", b"x", "bad_content_encoding"),
        ("gzip,gzip,gzip,gzip", b"x", "bad_content_encoding"),
        ("", b" " * 2_000_000, "too_large"),
    ],
)
def test_bombs_and_damage_are_unparsed(encoding, body, reason):
    assert reasons(decode(event(body, request_headers={"content-encoding": encoding}), max_body="1MiB")) == [reason]


def test_more_rows_than_allowed_are_unparsed():
    assert reasons(decode(event(json.dumps({"instances": [[1]] * 11}).encode()), max_rows=10)) == ["too_many_rows"]


def test_more_columns_than_allowed_are_unparsed():
    body = json.dumps({"instances": [{f"c{i}": 1 for i in range(11)}]}).encode()
    assert reasons(decode(event(body), event(body), max_columns=10)) == ["too_wide"] * 2


def test_hostile_names_do_not_grow_the_memory():
    decoding = Decoding(DecodeSettings(max_columns=50))
    for i in range(200):
        decoding.decode(CaptureBatch("s", i + 1, [event(json.dumps({"instances": [{f"name{i}": 1}]}).encode())]))
    (assembler,) = decoding._assemblers.values()
    assert len(assembler._features._kinds) <= 50


def test_an_unknown_protocol_is_a_config_error_that_names_the_known_ones():
    with pytest.raises(ConfigError, match="one of auto, v2"):
        Decoding(DecodeSettings(protocol="v3"))


def test_a_mapping_protocol_without_mapping_is_a_config_error():
    with pytest.raises(ConfigError, match="needs a mapping"):
        Decoding(DecodeSettings(protocol="mapping"))


def test_a_broken_jsonpath_is_a_config_error_when_it_is_written():
    with pytest.raises(ValueError, match="starts with"):
        DecodeSettings(mapping={"rows": "customer.age"})


def test_one_failing_decoder_is_counted_and_stops_nobody(monkeypatch):
    from neural.monitoring.decode.protocols.v1 import V1

    def broken(self, exchange):
        if b'"boom"' in exchange.request:
            raise RuntimeError("bug")
        return original(self, exchange)

    original = V1.request
    monkeypatch.setattr(V1, "request", broken)
    decoded = decode(event(), event(b'{"instances":[{"a":"boom"},{"a":1}]}'), event())
    assert reasons(decoded) == ["decoder_error"]
    assert sum(map(len, decoded.rows)) == 2


def test_a_thousand_failures_are_described_and_all_are_counted():
    decoded = decode(*[event(b"{broken")] * 1500)
    assert len(decoded.failures) == 1000
    assert decoded.traffic[0].unparsed == {"bad_json": 1500}
