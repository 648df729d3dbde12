"""The ingest endpoints over a real Unix socket, in a real uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from neural.monitoring.clock import ManualClock
from neural.monitoring.ingest import Deduplicator, EntryKind, IngestService, Journal, ingest_routes
from neural.wire import CONTENT_TYPE, CaptureBatch, CaptureEvent, encode_batch
from neural.wire.decode import decode_batch

PROTOBUF = {"content-type": CONTENT_TYPE}


class Small:
    max_batch = 64 * 1024


@contextlib.asynccontextmanager
async def serving(folder, *, fsync="never", pressure=lambda: 0.0):
    clock, entries = ManualClock(), []
    journal = Journal(folder / "journal", clock=clock, fsync=fsync)
    service = IngestService(journal, Deduplicator(), clock, Small(), entries.append, pressure)
    path = str(folder / "s.sock")
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=ingest_routes(service)), uds=path, log_level="warning", lifespan="off")
    )
    task = asyncio.create_task(server.serve())
    try:
        async with httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=path, retries=20), base_url="http://sidecar"
        ) as client:
            yield client, service, entries
    finally:
        server.should_exit = True
        await task
        journal.close()


def batch(sequence: int = 1, body: bytes = b"{}") -> bytes:
    return encode_batch(CaptureBatch("pod:1", sequence, [CaptureEvent(f"p{sequence}", 1, 1, status=200, request_body=body)]))


@pytest.mark.parametrize("fsync", ["never", "batch"])
async def test_a_batch_is_acknowledged_with_200_and_a_repeat_too(tmp_path, fsync):
    async with serving(tmp_path, fsync=fsync) as (client, _, entries):
        first = await client.post("/v1/capture", content=batch(), headers=PROTOBUF)
        again = await client.post("/v1/capture", content=batch(), headers=PROTOBUF)
        assert (first.status_code, first.json()) == (200, {"accepted": 1, "duplicate": False})
        assert (again.status_code, again.json()) == (200, {"accepted": 0, "duplicate": True})
        assert [entry.payload for entry in entries] == [batch()]


async def test_fifty_senders_at_once_each_count_once(tmp_path):
    async with serving(tmp_path) as (client, service, entries):
        sent = [client.post("/v1/capture", content=batch(number % 25 + 1), headers=PROTOBUF) for number in range(50)]
        replies = await asyncio.gather(*sent)
        assert {reply.status_code for reply in replies} == {200}
        assert len(entries) == 25
        assert service.stats()["duplicates"] == 25


async def test_a_compressed_batch_is_unpacked_and_journalled_plain(tmp_path):
    async with serving(tmp_path) as (client, _, entries):
        reply = await client.post("/v1/capture", content=gzip.compress(batch()), headers={**PROTOBUF, "content-encoding": "gzip"})
        assert reply.status_code == 200
        assert entries[0].payload == batch()


@pytest.mark.parametrize(
    ("content", "headers", "status", "reason"),
    [
        (b"\xff\xff", PROTOBUF, 400, None),
        (batch(), {"content-type": "text/plain"}, 415, "wrong_content_type"),
        (b"x" * 70_000, PROTOBUF, 413, "too_large"),
        (gzip.compress(b"x" * 10_000_000), {**PROTOBUF, "content-encoding": "gzip"}, 413, "too_large"),
        (b"not gzip", {**PROTOBUF, "content-encoding": "gzip"}, 400, "bad_content_encoding"),
    ],
    ids=["garbage", "wrong type", "too large", "a bomb", "damaged gzip"],
)
async def test_what_cannot_be_taken_is_refused_for_good(tmp_path, content, headers, status, reason):
    async with serving(tmp_path) as (client, service, entries):
        reply = await client.post("/v1/capture", content=content, headers=headers)
        assert reply.status_code == status
        assert "retry-after" not in reply.headers
        assert reason is None or reply.json()["error"] == reason
        assert service.stats()[f"refused.{reply.json()['error']}"] == 1
        assert entries == []


async def test_a_body_without_length_is_bounded_too(tmp_path):
    async def endless():
        for _ in range(100):
            yield b"x" * 1024

    async with serving(tmp_path) as (client, _, _):
        reply = await client.post("/v1/capture", content=endless(), headers=PROTOBUF)
        assert reply.status_code == 413


async def test_under_pressure_the_reply_is_429_with_retry_after(tmp_path):
    pressure = [1.5]
    async with serving(tmp_path, pressure=lambda: pressure[0]) as (client, _, entries):
        reply = await client.post("/v1/capture", content=batch(), headers=PROTOBUF)
        assert reply.status_code == 429
        assert int(reply.headers["retry-after"]) >= 1
        assert entries == []
        pressure[0] = 0.2
        assert (await client.post("/v1/capture", content=batch(), headers=PROTOBUF)).status_code == 200


async def test_labels_are_taken_as_json_and_as_json_lines(tmp_path):
    async with serving(tmp_path) as (client, _, entries):
        one = await client.post("/v1/labels", json={"labels": [{"id": "a", "label": 1, "time": 5}]})
        two = await client.post("/v1/labels", content=b'{"id":"b","label":0}\n{"id":"c","label":1}\n')
        assert (one.json()["accepted"], two.json()["accepted"]) == (1, 2)
        assert [entry.kind for entry in entries] == [EntryKind.LABELS] * 2
        assert json.loads(entries[0].payload) == {"labels": [{"id": "a", "label": 1, "time": 5.0}]}
        assert (await client.post("/v1/labels", content=b"{")).status_code == 400


@pytest.mark.parametrize("path", ["/", "/v1/cloudevents"])
async def test_kserve_pairs_become_one_event_and_every_reply_is_exactly_200(tmp_path, path):
    async with serving(tmp_path) as (client, _, entries):
        for kind, body in (("request", b'{"instances":[1]}'), ("response", b'{"predictions":[1]}')):
            headers = {
                "content-type": "application/json", "ce-specversion": "1.0", "ce-id": "x",
                "ce-type": f"org.kubeflow.serving.inference.{kind}", "ce-inferenceservicename": "fraud",
            }  # fmt: skip
            assert (await client.post(path, content=body, headers=headers)).status_code == 200
        other = {"ce-id": "y", "ce-type": "io.seldon.serving.inference.outlier"}
        assert (await client.post(path, content=b"{}", headers=other)).status_code == 200
        (event,) = decode_batch(entries[0].payload).events
        assert (event.model, event.request_body, event.response_body) == ("fraud", b'{"instances":[1]}', b'{"predictions":[1]}')
        assert (await client.post(path, content=b"{}")).status_code == 400
