"""Server-sent events: one an evaluation, and a line kept open in between."""

from __future__ import annotations

import json

import pytest

from neural.monitoring.api import stream as room
from neural.monitoring.api.operation import Call
from neural.monitoring.api.stream import Stream
from neural.monitoring.signal import Signal
from neural.monitoring.views import Snapshot, SnapshotBoard


def snapshot(time, *names):
    return Snapshot(time, 0.0, tuple(Signal(name, 0.5, time, {"model": "fraud", "version": "3"}) for name in names))


async def no_sleep(_):
    return None


def data_of(event):
    lines = event.decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["event", "id", "data", ""]
    return json.loads(lines[2].removeprefix("data: "))


async def test_the_current_evaluation_comes_at_once_and_each_new_one_once():
    board = SnapshotBoard(snapshot(1.0, "error_rate"))
    events = Stream(board, no_sleep).events(Call({}))
    assert data_of(await anext(events))["time"] == 1.0
    board.publish(snapshot(2.0, "error_rate"))
    assert data_of(await anext(events))["signals"][0] == {
        "name": "error_rate", "value": 0.5, "time": 2.0, "labels": {"model": "fraud", "version": "3"}, "verdict": None}  # fmt: skip
    await events.aclose()


async def test_a_comment_keeps_the_line_open_when_nothing_happens():
    events = Stream(SnapshotBoard(), no_sleep).events(Call({}))
    assert await anext(events) == b": keep-alive\n\n"
    await events.aclose()


async def test_signals_can_be_chosen():
    board = SnapshotBoard(snapshot(1.0, "error_rate", "drift.score"))
    for query, names in (
        ({"name": ["drift.score"]}, ["drift.score"]),
        ({"model": "other"}, []),
        ({"model": "fraud"}, ["error_rate", "drift.score"]),
    ):
        events = Stream(board, no_sleep).events(Call(query))
        assert [s["name"] for s in data_of(await anext(events))["signals"]] == names
        await events.aclose()


async def test_streams_are_bounded_and_counted_down(monkeypatch):
    monkeypatch.setattr(room, "MAX_STREAMS", 1)
    stream = Stream(SnapshotBoard(snapshot(1.0)), no_sleep)
    first = stream.events(Call({}))
    await anext(first)
    assert stream._open == 1
    await first.aclose()
    assert stream._open == 0


@pytest.mark.parametrize(("path", "status"), [("/api/v1/stream?nmae=x", 400), ("/api/v1/stream?model=", 400)])
async def test_mistakes_are_problems(serve, path, status):
    async with serve(board=SnapshotBoard()).client() as client:
        assert (await client.get(path)).status_code == status
        assert (await client.post("/api/v1/stream")).status_code == 405
        assert (await client.head("/api/v1/stream")).status_code == 200


async def test_there_is_no_stream_without_a_board(serve):
    async with serve().client() as client:
        assert (await client.get("/api/v1/stream")).status_code == 404
