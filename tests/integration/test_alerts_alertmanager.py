"""Against Debian's prometheus-alertmanager: it receives our alerts, groups them, keeps them while they fire, and resolves them."""

from __future__ import annotations

import json
import queue
import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from neural.monitoring.alerts import AlertEngine, Delivery, RuleSettings, build_rule
from neural.monitoring.alerts.channels.alertmanager import AlertmanagerChannel
from neural.monitoring.clock import system_clock
from neural.monitoring.signal import Signal
from neural.monitoring.store import MemoryStore

ALERTMANAGER = shutil.which("prometheus-alertmanager")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(ALERTMANAGER is None, reason="prometheus-alertmanager is not installed (Debian package of that name)"),
]

CONFIG = """
route: {receiver: us, group_by: [model], group_wait: 200ms, group_interval: 500ms, repeat_interval: 1h}
receivers: [{name: us, webhook_configs: [{url: "http://127.0.0.1:%d/", send_resolved: true}]}]
"""


@pytest.fixture
def receiver():
    got = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, got
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def alertmanager(receiver, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG % receiver[0])
    command = [
        ALERTMANAGER, f"--config.file={config}", f"--storage.path={tmp_path}", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                if httpx.get(f"{url}/-/ready").is_success:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None, "alertmanager has ended"
            assert time.monotonic() < deadline, "alertmanager is not ready"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def rule(name, when, **fields):
    return build_rule(RuleSettings.model_validate({"name": name, "when": when, **fields}))


def evaluate(engine, **values):
    now = system_clock()
    return engine.evaluate(
        [Signal(name.replace("__", "."), value, now, {"model": "flights", "version": "3"}) for name, value in values.items()], now
    )


def test_it_receives_groups_and_resolves_ours(alertmanager, receiver):
    _, got = receiver
    store = MemoryStore()
    channels = {"am": AlertmanagerChannel([alertmanager], name="am")}
    rules = [
        rule("High error rate", "error_rate > 0.05", severity="critical", message="{error_rate:.0%} failed"),
        rule("Slow", "latency.p95 > 1"),
    ]
    engine = AlertEngine(rules, store, channels, system_clock, evaluate_every=1)
    delivery = Delivery(store, channels, system_clock)

    evaluate(engine, error_rate=0.2, latency__p95=3.0)
    assert delivery.deliver_due(system_clock()) == 1, "alerts of one evaluation travel together"
    held = {alert["labels"]["alertname"]: alert for alert in httpx.get(f"{alertmanager}/api/v2/alerts").json()}
    assert set(held) == {"High error rate", "Slow"}
    assert held["High error rate"]["labels"] == {
        "alertname": "High error rate",
        "severity": "critical",
        "model": "flights",
        "version": "3",
    }
    assert held["High error rate"]["annotations"]["description"] == "20% failed"
    assert held["High error rate"]["endsAt"] > held["High error rate"]["startsAt"]

    page = got.get(timeout=20)
    assert page["status"] == "firing"
    assert {alert["labels"]["alertname"] for alert in page["alerts"]} == {"High error rate", "Slow"}, "one group, one page"

    evaluate(engine, error_rate=0.0, latency__p95=3.0)
    evaluate(engine, error_rate=0.0, latency__p95=0.1)
    assert delivery.deliver_due(system_clock()) >= 1
    over = set()
    while over != {"High error rate", "Slow"}:
        message = got.get(timeout=20)
        over |= {alert["labels"]["alertname"] for alert in message["alerts"] if alert["status"] == "resolved"}
    assert delivery.counters["am"].failed_attempts == 0
    channels["am"].close()


def test_a_firing_alert_is_said_again_before_it_would_be_forgotten(alertmanager):
    store = MemoryStore()
    channel = AlertmanagerChannel([alertmanager], name="am", resend=0.2)
    engine = AlertEngine([rule("High error rate", "error_rate > 0.05")], store, {"am": channel}, system_clock, evaluate_every=1)
    delivery = Delivery(store, {"am": channel}, system_clock)
    ends = []
    for _ in range(2):
        evaluate(engine, error_rate=0.2)
        delivery.deliver_due(system_clock())
        ends.append(httpx.get(f"{alertmanager}/api/v2/alerts").json()[0]["endsAt"])
        time.sleep(0.25)  # the receiver's time is real time
    assert ends[1] > ends[0]
    channel.close()
