"""Ingest over gRPC, with a real server and a real channel on a Unix socket."""

from __future__ import annotations

import contextlib

import grpc
import grpc.aio
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.ingest import Deduplicator, IngestService, Journal
from neural.monitoring.ingest.grpc_ingest import SERVICE, build_grpc_server
from neural.wire import CaptureBatch, CaptureEvent, encode_batch
from neural.wire.protobuf import read_fields


class Small:
    max_batch = 64 * 1024


@contextlib.asynccontextmanager
async def serving(folder, pressure=lambda: 0.0):
    entries = []
    journal = Journal(folder / "journal")
    service = IngestService(journal, Deduplicator(), ManualClock(), Small(), entries.append, pressure)
    server = build_grpc_server(service)
    address = f"unix:{folder}/g.sock"
    server.add_insecure_port(address)
    await server.start()
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield channel, entries
    finally:
        await server.stop(0)
        journal.close()


def batch(sequence: int = 1, size: int = 2) -> bytes:
    return encode_batch(CaptureBatch("pod:1", sequence, [CaptureEvent("p", 1, 1, status=200, request_body=b"x" * size)]))


def receipt(body: bytes) -> dict[int, object]:
    return {number: value for number, _, value in read_fields(memoryview(body), 10)}


async def test_a_batch_is_acknowledged_and_a_repeat_is_named(tmp_path):
    async with serving(tmp_path) as (channel, entries):
        call = channel.unary_unary(f"/{SERVICE}/Capture")
        assert receipt(await call(batch())) == {1: 1}
        assert receipt(await call(batch())) == {2: 1}
        assert [entry.payload for entry in entries] == [batch()]


async def test_a_stream_is_acknowledged_batch_by_batch(tmp_path):
    async with serving(tmp_path) as (channel, entries):
        call = channel.stream_stream(f"/{SERVICE}/CaptureStream")()
        receipts = []
        for sequence in (1, 2, 2, 3):
            await call.write(batch(sequence))
            receipts.append(receipt(await call.read()))
        await call.done_writing()
        assert receipts == [{1: 1}, {1: 1}, {2: 1}, {1: 1}]
        assert len(entries) == 3


@pytest.mark.parametrize(
    ("body", "pressure", "code"),
    [
        (b"\xff\xff", 0.0, grpc.StatusCode.INVALID_ARGUMENT),
        (batch(), 1.5, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (batch(size=64 * 1024 - 10), 0.0, grpc.StatusCode.OUT_OF_RANGE),
        (batch(size=200_000), 0.0, grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
    ids=["garbage", "pressure", "a little too large", "much too large"],
)
async def test_refusals_say_whether_to_try_again(tmp_path, body, pressure, code):
    async with serving(tmp_path, lambda: pressure) as (channel, entries):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await channel.unary_unary(f"/{SERVICE}/Capture")(body)
        assert error.value.code() is code
        metadata = dict(error.value.trailing_metadata() or ())
        assert ("retry-after" in metadata) == (pressure >= 1)
        assert entries == []
