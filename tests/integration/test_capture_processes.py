"""Capture in servers of several processes: workers that are forked, servers that are told to stop, processes that just end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest
from tests.integration.model_server import GUNICORN, SERVER, UVICORN, load, server

from neural.capture.testing import MemorySidecar


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        (*UVICORN, "--workers", "4"),
        (*GUNICORN, "-w", "4", "--preload", "-k", "uvicorn.workers.UvicornWorker"),
        (*GUNICORN, "-w", "4", "-k", "asgi", "--graceful-timeout", "2"),  # some of them wait it out, also without capture
    ],
    ids=["uvicorn with workers", "gunicorn, the application loaded before the fork", "gunicorn's own ASGI workers"],
)
def test_every_worker_ships_what_it_served(tmp_path, command):
    number = 160
    with MemorySidecar() as sidecar:
        with server(tmp_path, sidecar.endpoint, *command) as (address, process):
            workers = load(address, number)
            while len(workers) < 2:  # the kernel may let one worker take them all
                workers |= load(address, 40)
                number += 40
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        assert sidecar.wait_for(lambda kept: sum(ledger.shipped for ledger in kept.ledgers.values()) >= number, 10)
        sources = {source.split(":")[1]: ledger for source, ledger in sidecar.ledgers.items()}
        assert len(sidecar.events) == number
        assert sources.keys() == workers, "each process is a source of its own, and the parent is none"
        assert all(ledger.balanced and ledger.in_flight == 0 for ledger in sources.values())
        assert len({event.prediction_id for event in sidecar.events}) == number


@pytest.mark.slow
def test_a_server_told_to_stop_ships_what_is_left(tmp_path):
    with MemorySidecar() as sidecar:
        with server(tmp_path, sidecar.endpoint, *UVICORN, NEURAL_CAPTURE_FLUSH_INTERVAL="600") as (address, process):
            load(address, 40)
            assert sidecar.events == []
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) in {0, -signal.SIGTERM}
        assert len(sidecar.events) == 40
        [ledger] = sidecar.ledgers.values()
        assert (ledger.shipped, ledger.in_flight) == (40, 0)


@pytest.mark.slow
def test_a_server_told_to_stop_does_not_wait_for_a_sidecar_that_hangs(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        endpoint = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        with server(tmp_path, endpoint, *UVICORN, NEURAL_CAPTURE_SHUTDOWN_TIMEOUT="0.5") as (address, process):
            load(address, 40)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) in {0, -signal.SIGTERM}


@pytest.mark.slow
def test_capture_without_a_line_of_code(tmp_path):
    (tmp_path / "plain.py").write_text(
        SERVER.replace('app = CaptureMiddleware(model, model="m")', "def create():\n    return model")
    )
    with MemorySidecar() as sidecar:
        env = {"NEURAL_CAPTURE_APP": "plain:create()", "NEURAL_CAPTURE_MODEL": "named-by-env", "PYTHONPATH": str(tmp_path)}
        command = ("uvicorn", "neural.capture.auto:app", "--port", "{port}", "--log-level", "critical")
        with server(tmp_path, sidecar.endpoint, *command, **env) as (address, _):
            load(address, 8)
            assert sidecar.wait_for(lambda kept: len(kept.events) == 8)
        assert {event.model for event in sidecar.events} == {"named-by-env"}


def run(script: str, endpoint: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "NEURAL_CAPTURE_ENDPOINT": endpoint, "NEURAL_CAPTURE_FLUSH_INTERVAL": "600"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


BY_HAND = """
import asyncio, os, sys, threading
from neural.capture import CaptureMiddleware

async def model(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})

async def receive(): ...
async def send(message): ...
app = CaptureMiddleware(model)

def requests(number):
    async def go():
        for _ in range(number):
            await app({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)
    asyncio.run(go())
"""


def test_a_process_that_just_ends_ships_what_is_left():
    with MemorySidecar() as sidecar:
        result = run(BY_HAND + "requests(7)", sidecar.endpoint)
        assert (result.returncode, result.stderr) == (0, "")
        assert len(sidecar.events) == 7


def test_a_forked_child_counts_for_itself_and_leaves_the_parents_connection_alone():
    script = BY_HAND + textwrap.dedent("""
    requests(5)
    assert app.flush()
    parent = app.recorder.account.source
    requests(3)                      # these wait in the parent's ring
    child = os.fork()
    if child == 0:
        assert app.ledger().seen == 0
        requests(2)
        assert app.recorder.account.source != parent
        sys.exit(0)                  # the child's exit ships the child's events
    os.waitpid(child, 0)
    requests(1)
    assert app.flush()
    ledger = app.ledger()
    assert (ledger.seen, ledger.shipped) == (9, 9), ledger
    """)
    with MemorySidecar() as sidecar:
        result = run(script, sidecar.endpoint)
        assert (result.returncode, result.stderr) == (0, "")
        assert sorted(ledger.shipped for ledger in sidecar.ledgers.values()) == [2, 9]
        assert len({event.prediction_id for event in sidecar.events}) == 11


def test_a_fork_while_other_threads_record_leaves_no_lock_behind():
    script = BY_HAND + textwrap.dedent("""
    import warnings
    warnings.simplefilter("ignore")  # forking with threads is what is tested
    stop = threading.Event()
    def busy():
        while not stop.is_set():
            requests(20)
    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads: thread.start()
    children = []
    for _ in range(20):
        child = os.fork()
        if child == 0:
            requests(3)
            os._exit(0 if app.ledger().seen == 3 and app.flush(20) else 1)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    stop.set()
    for thread in threads: thread.join()
    assert codes == [0] * 20, codes
    assert app.flush(20) and app.ledger().balanced
    """)
    with MemorySidecar() as sidecar:
        result = run(script, sidecar.endpoint)
        assert (result.returncode, result.stderr) == (0, "")
        assert len(sidecar.ledgers) == 21
        assert all(ledger.balanced and ledger.in_flight == 0 for ledger in sidecar.ledgers.values())


def test_a_finaliser_or_signal_in_the_middle_of_recording_does_not_deadlock():
    script = BY_HAND + textwrap.dedent("""
    import gc, signal
    class Noisy:
        def __del__(self):
            try:
                requests(1)          # a finaliser that makes a captured request, wherever the collector runs
            except RuntimeError:
                pass                 # inside a running loop
    signal.signal(signal.SIGALRM, lambda *_: app.ledger())
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    gc.set_threshold(5)
    for _ in range(300):
        cycle = [Noisy()]; cycle.append(cycle)
        requests(2)
    signal.setitimer(signal.ITIMER_REAL, 0)
    gc.collect()  # the last finalisers: requests of theirs after the flush would be on their way, not lost
    gc.disable()
    assert app.flush(20)
    ledger = app.ledger()
    assert ledger.balanced and ledger.in_flight == 0 and ledger.seen >= 600, ledger
    """)
    with MemorySidecar() as sidecar:
        result = run("import warnings; warnings.simplefilter('ignore')\n" + script, sidecar.endpoint)
        assert result.returncode == 0, result.stderr


def test_nothing_is_printed_while_the_sidecar_is_away(tmp_path):
    result = run(BY_HAND + "requests(2000)\nassert not app.flush(0.3)", f"unix://{tmp_path}/none.sock")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "lifespan",
    ["raise RuntimeError('only http here')", "return", "await receive(); return"],
    ids=["raises", "returns", "returns later"],
)
def test_an_application_without_lifespan_ships_what_is_left_when_the_server_is_told_to_stop(tmp_path, lifespan):
    """uvicorn ends by the signal itself: no interpreter's exit ships anything."""
    plain = (
        SERVER.split("        while True:")[0]
        + f"        {lifespan}\n"
        + SERVER[SERVER.index("    await receive()\n    await send") :]
    )
    (tmp_path / "raw.py").write_text(plain)
    with MemorySidecar() as sidecar:
        command = ("uvicorn", "raw:app", "--port", "{port}", "--log-level", "critical")
        with server(tmp_path, sidecar.endpoint, *command, NEURAL_CAPTURE_FLUSH_INTERVAL="600") as (address, process):
            load(address, 40)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) in {0, -signal.SIGTERM}
        assert len(sidecar.events) == 40
        [ledger] = sidecar.ledgers.values()
        assert (ledger.seen, ledger.shipped, ledger.in_flight) == (40, 40, 0)
