"""kill -9 in the middle of a thousand deliveries, twenty times: nothing is lost, and a duplicate only where an attempt was cut off, and counted."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from neural.monitoring.store import OutboxRow, open_store

MESSAGES, KILLS = 1000, 20

# One process imports once and forks the senders, so that twenty lives take seconds. It has no threads of its own: forking is safe.
SUPERVISOR = """
import os, random, signal, sys, time
from neural.monitoring.alerts.channels.webhook import WebhookChannel
from neural.monitoring.alerts.delivery import Delivery
from neural.monitoring.clock import system_clock
from neural.monitoring.store import open_store

path, url, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
pick = random.Random(7)

def life():
    store = open_store(path)
    delivery = Delivery(store, {"hook": WebhookChannel(url, name="hook", timeout=10)}, system_clock)
    delivery.start()
    while not delivery.drain(60):
        pass
    delivery.stop()
    store.close()

killed = 0
while True:
    child = os.fork()
    if child == 0:
        life()
        os._exit(0)
    if killed < kills:
        time.sleep(pick.uniform(0.03, 0.12))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        print(killed, "killed", os.WEXITSTATUS(status))
        break
    killed += 1
"""


@pytest.fixture
def receiver():
    got = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            got[self.headers["Idempotency-Key"]] += 1
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

        def handle(self):
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # the sender was killed
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_nothing_is_lost_and_every_duplicate_is_a_counted_ambiguity(receiver, tmp_path):
    url, got = receiver
    store = open_store(tmp_path)
    with store.transaction():
        for i in range(MESSAGES):
            entry = {"severity": "info", "status": "firing", "message": "x" * 200}
            payload = {
                "schema_version": 1,
                "id": f"m{i:04}",
                "group": "m",
                "status": "firing",
                "created_at": 0.0,
                "alerts": [entry],
            }
            store.put_outbox(OutboxRow(f"m{i:04}", f"a{i}", "hook", payload, created_at=float(i), next_attempt_at=0.0))
    store.close()
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path), url, str(KILLS)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == [str(KILLS), "killed"], "the deliveries ended before the last kill"
    store = open_store(tmp_path)
    rows = {row.message_id: row for row in store.outbox()}
    store.close()
    assert {row.state for row in rows.values()} in ({"delivered"}, {"delivered", "dead"})
    delivered = [name for name, row in rows.items() if row.state == "delivered"]
    assert len(delivered) == MESSAGES, [row for row in rows.values() if row.state != "delivered"][:3]
    assert set(got) == set(rows), "something was lost"
    for name, times in got.items():
        assert times - 1 <= rows[name].ambiguous, (
            f"{name} came {times} times, and {rows[name].ambiguous} ambiguities were counted"
        )
    assert sum(row.ambiguous for row in rows.values()) <= KILLS
