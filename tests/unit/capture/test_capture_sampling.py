"""Who is kept: decided alike everywhere, errors and slow requests always."""

from __future__ import annotations

import pytest

from neural.capture.record import Origin, Record
from neural.capture.sampling import make_sampler, position
from neural.capture.settings import Settings


def record(*, trace="", status=200, seconds=0.01, outcome=0, grpc_status=-1, prediction_id=b"id") -> Record:
    headers = [(b"host", b"x"), (b"traceparent", f"00-{trace}-b7ad6b7169203331-01".encode())] if trace else []
    origin, status = (Origin(0, "", ""), status) if grpc_status < 0 else (Origin(1, "", ""), grpc_status)
    times = (5, 0, 5 + int(seconds * 1e9))
    return Record(0, 1.0, origin, "POST", "/", b"", headers, (), prediction_id, b"", *times, status, outcome, 0, b"", b"")


def test_without_sampling_there_is_no_sampler():
    assert make_sampler(Settings()) is None


def test_one_trace_is_decided_alike_by_every_process():
    first, second = make_sampler(Settings(sample=0.3)), make_sampler(Settings(sample=0.3))
    traces = [f"{i * 0x9E3779B97F4A7C15 % 2**128:032x}" for i in range(1, 2000)]
    assert [first(record(trace=t)) for t in traces] == [second(record(trace=t, prediction_id=b"other")) for t in traces]


def test_a_larger_share_keeps_what_a_smaller_one_kept():
    small, large = make_sampler(Settings(sample=0.1)), make_sampler(Settings(sample=0.5))
    ids = [b"%d" % i for i in range(2000)]
    kept = [i for i in ids if small(record(prediction_id=i))]
    assert all(large(record(prediction_id=i)) for i in kept)


def test_the_share_that_is_kept_is_the_share_that_was_asked_for():
    sampler = make_sampler(Settings(sample=0.2))
    fractions = [sampler(record(prediction_id=b"a1b2c3d4%08x" % i)) for i in range(20_000)]
    assert set(fractions) == {0.0, 0.2}
    assert sum(fraction > 0 for fraction in fractions) == pytest.approx(4000, rel=0.08)  # over five standard deviations


@pytest.mark.parametrize(
    "kept",
    [{"status": 500}, {"status": 404}, {"outcome": 2}, {"grpc_status": 13}, {"seconds": 2.0}],
    ids=["a server error", "a client error", "a disconnect", "a gRPC error", "a slow request"],
)
def test_what_matters_is_always_kept_and_stands_for_itself(kept):
    sampler = make_sampler(Settings(sample=1e-9))
    assert sampler(record(**kept)) == 1.0
    assert sampler(record()) == sampler(record(grpc_status=0)) == 0.0


def test_the_rules_can_be_switched_off():
    sampler = make_sampler(Settings(sample=1e-9, keep_errors=False, keep_slow=0))
    assert sampler(record(status=500, seconds=100)) == 0.0


def test_the_position_is_opentelemetrys_for_a_trace():
    trace = "0af7651916cd43dd8448eb211c80319c"
    assert position(record(trace=trace).request_headers, b"") == int(trace[16:], 16) / 2**64


@pytest.mark.parametrize("value", [b"x" * 55, b"short", b""])
def test_a_malformed_traceparent_leaves_it_to_the_prediction_id(value):
    assert position([(b"traceparent", value)], b"id") == position([], b"id")
