"""The fault table of docs/reliability.md, row by row: a real sidecar, a real fault, the behaviour that is written there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from neural.monitoring.predictions import read_predictions
from neural.monitoring.store import open_store

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from scarce import memory_group, small_disk
from sidecars import NEURAL, SidecarProcess, batch, event, free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore and refused connections
]
ROWS = 3


def _batches(first: int, n: int, events: int = 5) -> Iterator[bytes]:
    for sequence in range(first, first + n):
        yield batch(
            "server",
            sequence,
            [event(f"{sequence}-{at}", [{"x": float(at), "kind": "a"}] * ROWS, [0.5] * ROWS) for at in range(events)],
        )


def _until(true: Callable[[], Any], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def _counters(sidecar: SidecarProcess) -> dict[str, float]:
    store = open_store(sidecar.state, read_only=True)
    try:
        return store.value("capture", {}).get("counters", {})
    finally:
        store.close()


def _ids(sidecar: SidecarProcess) -> list[str]:
    return read_predictions(sidecar.state / "predictions")["prediction_id"].to_pylist()


def _nothing_lost(sidecar: SidecarProcess, batches: int, events: int = 5) -> None:
    """After a clean stop: every acknowledged row is in the counters and, once, in the prediction log."""
    counters = _counters(sidecar)
    assert counters["events"] == batches * events
    assert counters["rows"] == batches * events * ROWS
    ids = _ids(sidecar)
    assert len(ids) == len(set(ids)) == batches * events * ROWS


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SidecarProcess]]:
    made: list[SidecarProcess] = []

    def begin(settings: dict[str, Any] | None = None, **more: Any) -> SidecarProcess:
        made.append(SidecarProcess(tmp_path, settings, **more))
        made[-1].start()
        return made[-1]

    yield begin
    for one in made:
        one.close()


def test_disk_full(tmp_path: Path, start: Callable[..., SidecarProcess]) -> None:
    """Nothing more is acknowledged, senders are told to wait; with room again it goes on, and nothing acknowledged is lost."""
    with small_disk(tmp_path / "state", 12):
        sidecar = start()
        sent = sidecar.send(_batches(1, 20))
        ballast = sidecar.state / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        answers = [sidecar.post(next(_batches(sent + 1, 1, 200)))]
        _until(lambda: answers.append(sidecar.post(next(_batches(sent + 1, 1, 200)))) or answers[-1].status_code == 503)
        assert int(answers[-1].headers["retry-after"]) >= 1
        time.sleep(2.5)  # evaluations and checkpoints fail meanwhile
        assert sidecar.process is not None
        assert sidecar.process.poll() is None
        accepted = any(answer.status_code == 200 for answer in answers)
        ballast.unlink()
        more = sidecar.send(_batches(sent + 1 + accepted, 20))
        said = sidecar.stop()
        assert "can't be written" in said or "full" in said
        counters = _counters(sidecar)
        assert counters["events"] == (sent + more) * 5 + 200 * accepted
        ids = _ids(sidecar)
        assert len(ids) == len(set(ids)) == counters["rows"]
        sidecar.close()


def test_read_only_disk(tmp_path: Path, start: Callable[..., SidecarProcess]) -> None:
    """At the start one clear line; while running as a full disk: refused with a time to wait, alive, and on again when the disk is."""
    with small_disk(tmp_path / "state", 8):
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "state")], check=True)
        stillborn = SidecarProcess(tmp_path)
        done = subprocess.run(
            [NEURAL, "monitor", "run", "--config", str(stillborn.config)], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert "read-only" in done.stderr.lower()
    sidecar = start({"log": {"level": "error"}})
    sent = sidecar.send(_batches(1, 10))
    _until(lambda: _counters(sidecar).get("events") == sent * 5)
    assert sidecar.process is not None
    limit = ["prlimit", "--pid", str(sidecar.process.pid)]
    subprocess.run([*limit, "--fsize=0:unlimited"], check=True)  # every write to a file is refused, as on a disk gone read-only
    refused = sidecar.post(next(_batches(sent + 1, 1)))
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    time.sleep(2)
    assert sidecar.process.poll() is None
    subprocess.run([*limit, "--fsize=unlimited"], check=True)
    sent += sidecar.send(_batches(sent + 1, 10))
    sidecar.stop()
    _nothing_lost(sidecar, sent)


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0], ids=["a day ahead", "a day back"])
def test_clock_jumps(tmp_path: Path, jump: float) -> None:
    """Evaluations go on at once, rows are counted all the same, and no alarm follows from the jump alone."""
    from neural.monitoring.app.build import build
    from neural.monitoring.settings import parse_settings

    now = [1_700_000_000.0]
    text = f"model: {{name: m}}\nstore: {{path: {tmp_path}/state}}\nwindows: {{pane: 10s, evaluate_every: 10s}}\n"
    sidecar = build(parse_settings(text, env={}), lambda: now[0])
    try:
        sidecar.start()
        sequence = 0

        def minutes(n: int) -> None:
            nonlocal sequence
            for _ in range(6 * n):
                sequence += 1
                sent = [event(f"{sequence}-{at}", [{"x": float(at)}] * ROWS, [0.5] * ROWS, started=now[0]) for at in range(5)]
                sidecar.ingest.accept_batch(batch("server", sequence, sent))
                now[0] += 10
                _until(lambda: sidecar.board.current() is not None and sidecar.engine.backlog == 0)
                time.sleep(0.05)

        minutes(2)
        before = sidecar.board.current()
        now[0] += jump
        minutes(2)
        _until(lambda: (sidecar.board.current() or before).time == pytest.approx(now[0], abs=25))
        after = sidecar.board.current()
        assert after is not None
        assert after.time != before.time
        assert [alert for alert in after.alerts if alert.state == "firing"] == []
    finally:
        assert sidecar.stop(20)
    store = open_store(tmp_path / "state", read_only=True)
    assert store.value("capture")["counters"]["rows"] == sequence * 5 * ROWS
    store.close()


def test_killed_for_its_memory(tmp_path: Path, start: Callable[..., SidecarProcess]) -> None:
    """The kernel's kill: started again, the sidecar replays its journal and loses nothing that it acknowledged."""
    group = memory_group()
    sidecar = start()
    assert sidecar.process is not None
    if group is not None:
        (group / "memory.max").write_text(str(sidecar.rss_bytes() + (8 << 20)))
        (group / "cgroup.procs").write_text(str(sidecar.process.pid))
    sent = 0
    try:
        if group is None:
            sent += sidecar.send(_batches(1, 40))
            os.kill(sidecar.process.pid, signal.SIGKILL)  # what the kernel's killer sends; no limit on memory can be set here
        while sidecar.process.poll() is None and sent < 400:
            big = [event(f"{sent + 1}-{at}", [{f"f{i}": 1.5 for i in range(60)}] * ROWS, [0.5] * ROWS) for at in range(120)]
            try:
                sent += sidecar.post(batch("server", sent + 1, big)).status_code == 200
            except httpx.HTTPError:
                break
        events = 5 if group is None else 120
        sidecar.process.wait(30)
        assert sidecar.process.returncode == -signal.SIGKILL
    finally:
        if group is not None:
            with contextlib.suppress(OSError):
                group.rmdir()
    sidecar.kill()
    sidecar.start()
    counted = _until_counted(sidecar, sent * events)
    sidecar.stop()
    assert counted in {
        sent * events,
        (sent + 1) * events,
    }  # the last one may have been journalled before its answer could be sent
    ids = _ids(sidecar)
    assert len(ids) == len(set(ids)) == counted * ROWS


def _until_counted(sidecar: SidecarProcess, least: int) -> int:
    _until(lambda: _counters(sidecar).get("events", 0) >= least)
    return int(_counters(sidecar)["events"])


def test_sigterm_during_a_flush(start: Callable[..., SidecarProcess]) -> None:
    """A backlog and a checkpoint every second: SIGTERM drains within the pod's grace period, and everything is on disk."""
    sidecar = start()
    sent = sidecar.send(_batches(1, 60, 40))
    begin = time.monotonic()
    sidecar.stop(30)  # while the engine is at it
    assert time.monotonic() - begin < 25
    _nothing_lost(sidecar, sent, 40)


def test_ten_times_the_traffic(start: Callable[..., SidecarProcess]) -> None:
    """More than the sidecar can take: senders are told to wait, memory stays, what was acknowledged is counted, and then it is calm again."""
    sidecar = start({"store": {"journal": {"max_size": "8MiB", "segment": "1MiB"}}})
    sidecar.send(_batches(1, 5))
    before, told = sidecar.rss_bytes(), 0
    wide = [event(f"spike-{at}", [{f"f{i}": i * 0.5 for i in range(50)}] * ROWS, [0.5] * ROWS) for at in range(200)]
    accepted = 0
    for number in range(1, 61):
        answer = sidecar.post(batch("spike", number, wide))
        accepted += answer.status_code == 200
        if answer.status_code in (429, 503):
            told += 1
            assert int(answer.headers["retry-after"]) >= 1
    assert told > 0
    assert sidecar.rss_bytes() - before < 120 << 20
    _until(lambda: sidecar.post(batch("after", 1, wide[:1])).status_code == 200)
    sidecar.stop()
    assert _counters(sidecar)["events"] == 25 + accepted * 200 + 1


def test_one_huge_row(start: Callable[..., SidecarProcess]) -> None:
    """Within the batch limit it is a row; beyond, it is refused for good, so that the sender gives up on it alone."""
    sidecar = start()
    words = {"text": "x" * (4 << 20), "x": 1.0}
    assert sidecar.post(batch("server", 1, [event("huge", [words], [0.5])])).status_code == 200
    beyond = sidecar.post(batch("server", 2, [event("too-huge", [{"text": "x" * (20 << 20)}], [0.5])]))
    assert beyond.status_code == 413
    assert "retry-after" not in beyond.headers
    sidecar.send(_batches(3, 5))
    sidecar.stop()
    counters = _counters(sidecar)
    assert counters["events"] == 26
    assert counters["rows"] == 25 * ROWS + 1


def test_ten_thousand_features(start: Callable[..., SidecarProcess]) -> None:
    """The first 2,000 columns are watched, the rest is left out and said; rows are counted and logged whole; memory is bounded."""
    port = free_port()
    sidecar = start(
        {
            "export": {"prometheus": {"enabled": True, "port": port}},
            "reference": {"learn": "20 rows"},
            "windows": {"evaluate_every": "8s"},
        }
    )
    row = {f"f{i}": i * 0.25 for i in range(10_000)}
    for number in range(1, 7):
        sidecar.send([batch("server", number, [event(f"{number}-{at}", [row], [0.5]) for at in range(8)])])
    _until(lambda: _counters(sidecar).get("rows") == 48, 90)
    page = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
    series = [line for line in page.splitlines() if not line.startswith("#")]
    assert len(series) <= 20_000
    assert float(next(line for line in series if line.startswith("neural_fleet_columns_left_out")).split()[-1]) > 0
    assert sidecar.rss_bytes() < 500 << 20
    assert 'neural_sidecar_events_total{kind="unwatched_columns"}' in page
    said = sidecar.stop(90)
    assert "windows.max_columns is 2000" in said
    assert len(_ids(sidecar)) == 48
    store = open_store(sidecar.state, read_only=True)
    watched = {one.labels["feature"] for one in store.latest_signals(["drift.psi"])}
    store.close()
    assert 1_990 < len(watched) <= 2_000
    assert "f0" in watched
    assert "f9999" not in watched


def test_a_million_categories(start: Callable[..., SidecarProcess]) -> None:
    """An identifier served as a feature: memory does not grow with the names."""
    sidecar = start({"reference": {"learn": "1000 rows"}, "predictions": {"enabled": False}})
    per_event, made, peaks = 10_000, 0, []
    for number in range(1, 101):
        rows = [{"id": f"user-{made + at}"} for at in range(per_event)]
        made += per_event
        sidecar.send([batch("server", number, [event(str(number), rows, [0.5] * per_event)])])
        if number % 10 == 0:
            peaks.append(sidecar.rss_bytes() >> 20)
    _until(lambda: _counters(sidecar).get("rows") == 1_000_000, 90)
    sidecar.stop()
    assert made == 1_000_000
    assert peaks[-1] - peaks[2] < 60, peaks  # MiB over seven hundred thousand further names


def test_a_broken_configuration_under_load(start: Callable[..., SidecarProcess]) -> None:
    """The old rules stay in force, one line says what is wrong, and not a batch is lost."""
    sidecar = start()
    whole = sidecar.config.read_text()
    done = threading.Event()
    sent: list[int] = []

    def load() -> None:
        number = 0
        while not done.is_set():
            number += 1
            sent.append(sidecar.send(_batches(number, 1)))
            time.sleep(0.02)

    sender = threading.Thread(target=load)
    sender.start()
    try:
        for broken in ("model: [", "model: {name: m}\nalerts: [{name: x, when: 'drift.score >'}]\n", "modell: {name: m}\n"):
            sidecar.config.write_text(broken)
            time.sleep(0.7)
        sidecar.config.write_text(whole)
        time.sleep(0.7)
    finally:
        done.set()
        sender.join()
    said = sidecar.stop()
    assert said.count("config.yaml") >= 2
    assert "Traceback" not in said
    _nothing_lost(sidecar, sum(sent))


def test_the_state_file_locked_by_another_process(start: Callable[..., SidecarProcess]) -> None:
    """Batches are taken meanwhile; the evaluation that could not be stored is said; afterwards all is as if nothing had been."""
    sidecar = start()
    sent = sidecar.send(_batches(1, 10))
    _until(lambda: _counters(sidecar).get("events") == sent * 5)
    holder = sqlite3.connect(sidecar.state / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        begin = time.monotonic()
        while time.monotonic() - begin < 6.5:  # longer than a writer waits
            answer = sidecar.post(next(_batches(sent + 1, 1)))
            assert answer.status_code == 200
            sent += 1
            time.sleep(0.2)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    sent += sidecar.send(_batches(sent + 1, 5))
    said = sidecar.stop()
    assert "locked by another process" in said
    _nothing_lost(sidecar, sent)


def test_every_fault_of_the_table_is_tested_here() -> None:
    table = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
    named = {name for line in table.splitlines() if line.startswith("|") for name in line.split("`") if name.startswith("test_")}
    sources = "".join(path.read_text() for path in (Path(__file__).parents[1]).rglob("test_*.py"))
    assert named
    assert [name for name in named if f"def {name}(" not in sources] == []
    own = {name for name in globals() if name.startswith("test_")} - {"test_every_fault_of_the_table_is_tested_here"}
    assert own <= named
    assert json.dumps(sorted(named))
