"""The wire against Google's protobuf, and against bytes that nobody meant to send."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from grpc_tools import protoc
from hypothesis import given, settings
from hypothesis import strategies as st

from neural.wire import CaptureBatch, CaptureEvent, Flag, Ledger, Limits, Outcome, Protocol, WireError, encode_batch
from neural.wire.decode import decode_batch

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
HEADERS = st.dictionaries(TEXT, TEXT, max_size=3)
BODY = st.binary(max_size=40)

EVENTS = st.builds(
    CaptureEvent,
    prediction_id=TEXT,
    started_unix_ns=U64,
    duration_ns=U64,
    first_byte_ns=U64,
    protocol=st.sampled_from(Protocol),
    outcome=st.sampled_from(Outcome),
    status=U32,
    grpc_status=st.integers(-(2**31), 2**31 - 1),
    method=st.sampled_from(["POST", "GET", "übel"]),
    path=TEXT,
    query=TEXT,
    model=TEXT,
    version=TEXT,
    traceparent=TEXT,
    span_id=TEXT,
    sampling_fraction=st.floats(0, 1, exclude_min=True),
    flags=st.integers(0, 63).map(Flag),
    request_size=U64,
    response_size=U64,
    request_body=BODY,
    response_body=BODY,
    request_headers=HEADERS,
    response_headers=HEADERS,
)
PLAIN_EVENTS = U64.map(lambda started: CaptureEvent("id", started))
LEDGERS = st.builds(Ledger, seen=U64, shipped=U64, sampled_out=U64, dropped=st.dictionaries(TEXT, U64, max_size=3), in_flight=U64)
BATCHES = st.builds(
    CaptureBatch,
    source=TEXT,
    sequence=U64,
    events=st.lists(EVENTS, max_size=5) | st.lists(PLAIN_EVENTS, max_size=3),
    ledger=LEDGERS,
    resource=st.dictionaries(TEXT, TEXT, max_size=3),
    degraded=st.sampled_from(["full", "bodies_off", "sampled", "counts_only"]),
    overhead_ns=U64,
)

PROTO_ROOT = Path(__file__).parents[2] / "proto"
PROTO = "neural/capture/v1/capture.proto"


def generate(folder: Path):
    """Runs protoc into ``folder`` and loads the generated module under a name of its own."""
    assert protoc.main(["protoc", f"-I{PROTO_ROOT}", f"--python_out={folder}", str(PROTO_ROOT / PROTO)]) == 0
    spec = importlib.util.spec_from_file_location("neural_capture_pb2_for_tests", folder / "neural/capture/v1/capture_pb2.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def to_google(pb2, batch: CaptureBatch):
    message = pb2.CaptureBatch(
        source=batch.source,
        sequence=batch.sequence,
        degraded=batch.degraded,
        overhead_ns=batch.overhead_ns,
        event_count=len(batch.events),
    )
    ledger = batch.ledger
    message.ledger.SetInParent()
    message.ledger.seen, message.ledger.shipped = ledger.seen, ledger.shipped
    message.ledger.sampled_out, message.ledger.in_flight = ledger.sampled_out, ledger.in_flight
    for reason, count in ledger.dropped.items():
        message.ledger.dropped.add(reason=reason, count=count)
    for key, value in batch.resource.items():
        message.resource.add(key=key, value=value)
    _fill(message, batch.events)
    return message


def _fill(message, events: list[CaptureEvent]) -> None:
    strings: dict[str, int] = {}

    def index(text: str) -> int:
        return strings.setdefault(text, len(strings))

    def numbers(field: str, values: list, default) -> None:
        if any(value != default for value in values):
            getattr(message, field).extend(values)

    def blob(field: str, lengths: str, values: list[bytes]) -> None:
        if any(values):
            setattr(message, field, b"".join(values))
            getattr(message, lengths).extend(map(len, values))

    def octets(field: str, values: list[int]) -> None:
        if any(values):
            setattr(message, field, bytes(values))

    def coded(field: str, values: list[str], default: str) -> None:
        if any(value != default for value in values):
            getattr(message, field).extend([index(value) for value in values])

    def headers(side: str, maps: list) -> None:
        if any(maps):
            getattr(message, f"{side}_header_counts").extend(map(len, maps))
            getattr(message, f"{side}_header_names").extend([index(name) for headers in maps for name in headers])
            getattr(message, f"{side}_header_values").extend([index(value) for headers in maps for value in headers.values()])

    blob("prediction_ids", "prediction_id_lengths", [e.prediction_id.encode() for e in events])
    message.started_unix_ns.extend([e.started_unix_ns for e in events])
    numbers("duration_ns", [e.duration_ns for e in events], 0)
    numbers("first_byte_ns", [e.first_byte_ns for e in events], 0)
    octets("protocols", [e.protocol for e in events])
    octets("outcomes", [e.outcome for e in events])
    numbers("flags", [int(e.flags) for e in events], 0)
    numbers("statuses", [e.status for e in events], 0)
    numbers("grpc_statuses", [e.grpc_status for e in events], -1)
    coded("methods", [e.method for e in events], "POST")
    coded("paths", [e.path for e in events], "/")
    coded("queries", [e.query for e in events], "")
    coded("models", [e.model for e in events], "")
    coded("versions", [e.version for e in events], "")
    blob("traceparents", "traceparent_lengths", [e.traceparent.encode() for e in events])
    blob("span_ids", "span_id_lengths", [e.span_id.encode() for e in events])
    numbers("sampling_fractions", [e.sampling_fraction for e in events], 1.0)
    numbers("request_sizes", [e.request_size for e in events], 0)
    numbers("response_sizes", [e.response_size for e in events], 0)
    blob("request_bodies", "request_body_lengths", [e.request_body for e in events])
    blob("response_bodies", "response_body_lengths", [e.response_body for e in events])
    headers("request", [e.request_headers for e in events])
    headers("response", [e.response_headers for e in events])
    message.strings.extend(strings)


def batch_or_reason(data: bytes, limits: Limits | None = None) -> CaptureBatch | str:
    try:
        return decode_batch(data, limits or Limits())
    except WireError as error:
        return error.reason


@pytest.fixture(scope="session")
def pb2(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("pb2"))


@settings(max_examples=60, deadline=None)
@given(batch=BATCHES)
def test_our_bytes_are_those_of_googles_protobuf(pb2, batch):
    ours = encode_batch(batch)
    assert ours == to_google(pb2, batch).SerializeToString(deterministic=True)
    assert pb2.CaptureBatch.FromString(ours).SerializeToString(deterministic=True) == ours


@settings(max_examples=60, deadline=None)
@given(batch=BATCHES)
def test_what_was_encoded_is_what_is_decoded(batch):
    decoded = decode_batch(encode_batch(batch))
    assert decoded == CaptureBatch(
        batch.source, batch.sequence, decoded.events, batch.ledger, batch.resource, batch.degraded, batch.overhead_ns
    )
    assert list(decoded.events) == list(batch.events)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
def test_random_bytes_give_a_batch_or_a_wire_error(data):
    assert batch_or_reason(data)


@settings(max_examples=100, deadline=None)
@given(batch=BATCHES, data=st.data())
def test_damaged_batches_give_a_batch_or_a_wire_error(batch, data):
    damaged = bytearray(encode_batch(batch))
    for _ in range(data.draw(st.integers(1, 4))):
        if damaged:
            at = data.draw(st.integers(0, len(damaged) - 1))
            match data.draw(st.sampled_from(["flip", "cut", "insert"])):
                case "flip":
                    damaged[at] ^= data.draw(st.integers(1, 255))
                case "cut":
                    del damaged[at : at + data.draw(st.integers(1, 9))]
                case _:
                    damaged[at:at] = data.draw(st.binary(max_size=9))
    assert batch_or_reason(bytes(damaged), Limits(max_events=1000))


@settings(max_examples=100, deadline=None)
@given(batch=BATCHES, data=st.data())
def test_fields_a_newer_sender_adds_are_skipped(pb2, batch, data):
    del pb2
    extra = data.draw(st.sampled_from([b"\xf8\x06\x05", b"\xfa\x06\x03abc", b"\xfd\x06abcd", b"\xf9\x06abcdefgh"]))  # field 111
    assert decode_batch(encode_batch(batch) + extra) == decode_batch(encode_batch(batch))


def test_a_packed_column_may_come_entry_by_entry(pb2):
    batch = CaptureBatch("s", 1, [CaptureEvent("a", 7, 1), CaptureEvent("b", 8, 2)])
    packed = encode_batch(batch)
    started = b"\x62\x10" + (7).to_bytes(8, "little") + (8).to_bytes(8, "little")
    assert started in packed
    unpacked = packed.replace(started, b"\x61" + (7).to_bytes(8, "little") + b"\x61" + (8).to_bytes(8, "little"))
    assert pb2.CaptureBatch.FromString(unpacked).started_unix_ns == [7, 8]
    assert decode_batch(unpacked) == decode_batch(packed)
