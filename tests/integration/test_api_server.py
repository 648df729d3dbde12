"""The API on a real socket: the CLI asks it, and a stream stays open."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from neural.monitoring.api import api_routes
from neural.monitoring.cli.entry import monitor, run
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.slo import SLOSettings, slo_key
from neural.monitoring.store import open_store
from neural.monitoring.views import Snapshot, SnapshotBoard

LABELS = {"model": "fraud", "version": "3"}


class Running:
    def __init__(self, folder, **how):
        self.store, self.board = open_store(folder), SnapshotBoard()
        now = time.time()
        alarm = Verdict(Outcome.BAD, "age moved")
        self.store.write_signals(
            [
                Signal("error_rate", 0.01, now, LABELS),
                Signal("drift.alarm", 1.0, now, LABELS, alarm),
                Signal("slo.compliance", 1.0, now, {**LABELS, "slo": "slow"}),
            ]
        )
        routes = api_routes(self.store, self.board, writer=self.store, **how)
        self.socket_path = folder / "api.sock"
        config = uvicorn.Config(
            Starlette(routes=routes), uds=str(self.socket_path), log_level="warning", lifespan="off", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)

    @property
    def url(self):
        return f"unix://{self.socket_path}"


@pytest.fixture
def sidecar(tmp_path):
    made = []

    def make(**how):
        running = Running(tmp_path, **how)
        running.thread.start()
        while not running.server.started:
            assert running.thread.is_alive()
            time.sleep(0.01)
        made.append(running)
        return running

    yield make
    for running in made:
        running.server.should_exit = True
        running.thread.join()
        running.store.close()


def neural(capfd, *arguments):
    capfd.readouterr()
    code = run(monitor, "neural monitor", [str(argument) for argument in arguments])
    return code, *capfd.readouterr()


def test_the_cli_reads_a_running_sidecar_as_it_reads_a_folder(sidecar, tmp_path, capfd):
    running = sidecar()
    code, out, _ = neural(capfd, "drift", "--sidecar", running.url, "--format", "json")
    folder_code, folder_out, _ = neural(capfd, "drift", "--storage-path", tmp_path, "--format", "json")
    assert (code, json.loads(out)) == (folder_code, json.loads(folder_out)) == (1, json.loads(out))
    assert "Drift detected" in neural(capfd, "drift", "--sidecar", running.url)[1]


def test_a_silence_is_made_and_ended_through_the_sidecar(sidecar, capfd):
    running = sidecar()
    code, out, _ = neural(
        capfd, "alerts", "silence", "--match", "rule=drift*", "--for", "2h", "--reason", "new model", "--author", "ada",
        "--sidecar", running.url, "--format", "json",
    )  # fmt: skip
    made = json.loads(out)
    assert (code, made["matchers"], made["author"], made["ends_at"] - made["starts_at"]) == (0, {"rule": "drift*"}, "ada", 7200.0)
    assert [one.silence_id for one in running.store.silences(active_at=time.time())] == [made["silence_id"]]
    assert neural(capfd, "alerts", "unsilence", made["silence_id"], "--sidecar", running.url)[0] == 0
    assert running.store.silences(active_at=time.time()) == []
    code, _, err = neural(capfd, "alerts", "unsilence", made["silence_id"], "--sidecar", running.url)
    assert (code, err.count("\n")) == (2, 1)


def test_the_token_is_asked_for_and_given(sidecar, capfd):
    running = sidecar(token="s3cret")
    code, _, err = neural(capfd, "alerts", "silence", "--match", "rule=x", "--sidecar", running.url)
    assert code == 2
    assert "token" in err
    assert neural(capfd, "alerts", "silence", "--match", "rule=x", "--sidecar", running.url, "--token", "s3cret")[0] == 0


def test_a_sidecar_that_is_not_there_is_one_line(capfd, tmp_path):
    for url in (f"unix://{tmp_path}/none.sock", "http://127.0.0.1:1", "nonsense"):
        code, out, err = neural(capfd, "status", "--sidecar", url)
        assert (code, out, err.count("\n")) == (2, "", 1), err


def test_an_unknown_objective_is_said_by_the_sidecar(sidecar, capfd):
    code, _, err = neural(capfd, "slo", "--name", "fast", "--sidecar", sidecar().url)
    assert code == 2
    assert "no objective" in err


async def test_evaluations_arrive_over_an_open_stream(sidecar):
    running = sidecar()
    running.board.publish(Snapshot(1.0, 0.0, (Signal("error_rate", 0.01, 1.0, LABELS),)))
    transport = httpx.AsyncHTTPTransport(uds=str(running.socket_path))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://sidecar", timeout=20) as client,
        client.stream("GET", "/api/v1/stream") as reply,
    ):
        assert reply.headers["content-type"].startswith("text/event-stream")
        lines = reply.aiter_lines()

        async def times():
            async for line in lines:
                if line.startswith("data: "):
                    yield json.loads(line[6:])["time"]

        stream = times()
        assert await anext(stream) == 1.0
        running.board.publish(Snapshot(2.0, 0.0))
        assert await asyncio.wait_for(anext(stream), 20) == 2.0


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html", "csv"])
def test_an_sla_report_of_a_running_sidecar_is_that_of_its_folder(sidecar, tmp_path, capfd, form):
    objective = {"name": "fast", "type": "latency", "threshold": "100ms", "target": "99%", "window": "28d"}
    (tmp_path / "neural-monitor.yaml").write_text(json.dumps({"model": {"name": "fraud"}, "slos": [objective]}))
    running = sidecar(objectives=[SLOSettings.model_validate(objective)])
    running.store.add_slo_counts(slo_key("fraud", "fast"), 1_790_000_000.0, 50.0, 100.0)
    between = ("--from", "2026-09-01", "--to", "2026-10-01", "--format", form)
    asked = neural(capfd, "slo", "--report", "--sidecar", running.url, *between)
    assert asked == neural(capfd, "slo", "--report", "--storage-path", tmp_path, *between)
    assert asked[0] == 1
    assert "fast" in asked[1]
    assert "no objective 'slow'" in neural(capfd, "slo", "--report", "--sidecar", running.url, "--name", "slow")[2]
