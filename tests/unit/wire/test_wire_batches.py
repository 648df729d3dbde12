"""The wire by example: what is refused, with which reason, and what is kept as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neural.wire import CaptureBatch, CaptureEvent, Flag, Ledger, Limits, Outcome, Protocol, WireError, encode_batch
from neural.wire.decode import decode_batch

GOLDEN = Path(__file__).parents[2] / "golden/wire"

FULL_EVENT = CaptureEvent(
    prediction_id="7f3a-1",
    started_unix_ns=1_700_000_000_123_456_789,
    duration_ns=2_500_000,
    first_byte_ns=2_400_000,
    protocol=Protocol.HTTP,
    outcome=Outcome.DISCONNECTED,
    status=200,
    method="PUT",
    path="/v2/models/flüge/infer",
    query="a=1",
    model="flights",
    version="3",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    span_id="00f067aa0ba902b7",
    sampling_fraction=0.25,
    flags=Flag.REQUEST_TRUNCATED | Flag.STREAMED,
    request_size=70_000,
    response_size=12,
    request_body=b'{"inputs": []}',
    response_body=b"\x00\xff",
    request_headers={"content-type": "application/json", "x-größe": "1"},
    response_headers={"content-type": "application/json"},
)
BATCH = CaptureBatch(
    source="host:12:ab",
    sequence=3,
    events=[
        FULL_EVENT,
        CaptureEvent("b", 5),
        CaptureEvent("c", 6, protocol=Protocol.GRPC, grpc_status=14, outcome=Outcome.TIMEOUT),
    ],
    ledger=Ledger(10, 4, 2, {"ring_full": 1}, 3),
    resource={"service.name": "flights"},
    degraded="bodies_off",
    overhead_ns=3100,
)


def one(**fields) -> bytes:
    return encode_batch(CaptureBatch("s", 1, [CaptureEvent(**({"prediction_id": "a", "started_unix_ns": 1} | fields))]))


def refused(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(WireError) as caught:
        decode_batch(data, limits or Limits())
    return caught.value.reason


def test_the_bytes_of_a_known_batch_stay_what_they_are():
    golden = bytes.fromhex((GOLDEN / "batch.hex").read_text())
    assert encode_batch(BATCH) == golden
    assert decode_batch(golden) == BATCH


def test_the_golden_batch_says_what_its_json_says():
    said = json.loads((GOLDEN / "batch.json").read_text())
    events = decode_batch(bytes.fromhex((GOLDEN / "batch.hex").read_text())).events
    assert [event.prediction_id for event in events] == said["prediction_ids"]
    assert [event.failed for event in events] == said["failed"]
    assert [event.path for event in events] == said["paths"]


def test_an_empty_message_is_an_empty_batch():
    assert decode_batch(b"") == CaptureBatch("", 0)


def test_a_heartbeat_carries_the_ledger_alone():
    batch = CaptureBatch("s", 9, (), Ledger(5, 5))
    assert decode_batch(encode_batch(batch)) == batch
    assert len(encode_batch(batch)) < 40


def test_columns_that_hold_only_defaults_take_no_room():
    sparse = encode_batch(CaptureBatch("s", 1, [CaptureEvent(f"{i:06}", i) for i in range(1000)]))
    assert len(sparse) == pytest.approx(1000 * (6 + 4 + 8), abs=60)


def test_repeated_text_travels_once():
    batch = CaptureBatch("s", 1, [CaptureEvent("a", 1, path="/a/rather/long/path", model="some-model")] * 500)
    assert encode_batch(batch).count(b"/a/rather/long/path") == 1


def test_decoding_takes_any_buffer():
    data = encode_batch(BATCH)
    assert decode_batch(memoryview(data)) == decode_batch(bytearray(data)) == BATCH


def test_lone_surrogates_do_not_stop_a_batch():
    assert decode_batch(one(path="/\udcff")).events[0].path == "/?"


def test_flags_of_a_newer_sender_are_left_out():
    assert decode_batch(one(flags=Flag(3)).replace(b"\x8a\x01\x04\x03\x00", b"\x8a\x01\x04\x03\xff")).events[0].flags == 3


@pytest.mark.parametrize(
    "fields", [{"status": -1}, {"status": 2**32}, {"duration_ns": -5}, {"grpc_status": 2**31}, {"outcome": 256}]
)
def test_numbers_that_do_not_fit_are_refused_when_writing(fields):
    with pytest.raises(WireError, match="out_of_range"):
        one(**fields)


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.5, float("nan"), float("inf")])
def test_a_sampling_fraction_outside_its_range_is_refused(fraction):
    assert refused(one(sampling_fraction=fraction)) == "sampling_fraction"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_bytes=100), "too_large"),
        (Limits(max_events=2), "too_many_events"),
        (Limits(max_body_bytes=13), "body_too_large"),
        (Limits(max_strings=3), "too_many_strings"),
        (Limits(max_headers=1), "too_many_headers"),
        (Limits(max_fields=10), "too_many_fields"),
    ],
    ids=["bytes", "events", "one body", "strings", "headers", "fields"],
)
def test_each_limit_has_its_own_reason(limits, reason):
    assert refused(encode_batch(BATCH), limits) == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x0a\x05ab", "truncated"),
        (b"\x10", "truncated"),
        (b"\x10" + b"\xff" * 11, "varint"),
        (b"\x0b", "wire_type"),
        (b"\x00\x01", "field_number"),
        (b"\x0a\x01\xff", "utf8"),
        (b"\x08\x01", "wire_type"),
        (b"\x12\x01a", "wire_type"),
        (b"\x38\x01", "column_missing"),
        (b"\x38\x02\x62\x08" + bytes(8), "column_length"),
        (b"\x38\x01\x62\x08" + bytes(8) + b"\x7a\x01\x09", "enum"),
        (b"\x38\x01\x62\x08" + bytes(8) + b"\x7a\x02\x00\x00", "column_length"),
        (b"\x38\x01\x62\x08" + bytes(8) + b"\xaa\x01\x04\x05\x00\x00\x00", "index"),
        (b"\x38\x01\x62\x08" + bytes(8) + b"\x52\x01a", "column_length"),
        (b"\x38\x01\x62\x08" + bytes(8) + b"\x52\x01a\x5a\x04\x02\x00\x00\x00", "column_length"),
        (b"\x38\x01\x62\x08" + bytes(8) + b"\xa2\x02\x04\x01\x00\x00\x00", "column_missing"),
    ],
    ids=[
        "a text longer than the message", "a tag without value", "an endless varint", "a group", "field zero", "no UTF-8",
        "a text as a number", "a number as a text", "events without times", "half a column", "an unknown protocol",
        "two protocols for one event", "a string that is not there", "ids without lengths", "lengths that do not add up",
        "header counts without headers",
    ],
)  # fmt: skip
def test_malformed_bytes_are_refused_by_reason(data, reason):
    assert refused(data) == reason


def test_a_few_bytes_cannot_make_many_events():
    assert refused(b"\x38\xff\xff\x03") == "column_missing"


def test_an_error_knows_its_reason():
    error = WireError("truncated", "in a varint")
    assert (error.reason, str(error)) == ("truncated", "truncated: in a varint")
    assert isinstance(error, ValueError)


@pytest.mark.parametrize(
    ("event", "failed"),
    [
        (CaptureEvent("a", 1, status=200), False),
        (CaptureEvent("a", 1, status=404), False),
        (CaptureEvent("a", 1, status=503), True),
        (CaptureEvent("a", 1, status=200, outcome=Outcome.EXCEPTION), True),
        (CaptureEvent("a", 1, status=200, outcome=Outcome.DISCONNECTED), False),
        (CaptureEvent("a", 1, protocol=Protocol.GRPC, grpc_status=14), True),
        (CaptureEvent("a", 1, protocol=Protocol.GRPC, grpc_status=5), False),
    ],
    ids=["200", "404", "503", "an exception after 200", "the client left", "gRPC unavailable", "gRPC not found"],
)
def test_failed_means_the_server_is_to_blame(event, failed):
    assert event.failed is failed


def test_the_ledger_balances_or_says_so():
    assert Ledger(10, 4, 2, {"ring_full": 1}, 3).balanced
    assert not Ledger(10, 4, 2, {"ring_full": 1}, 2).balanced
