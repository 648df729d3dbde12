"""The main job, as a newcomer runs it: real processes, real flights, judged by the demo's own JSON."""

from __future__ import annotations

import html
import json
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]
NEURAL = str(Path(sys.executable).parent / "neural")


def _demo(*options: str, seconds: int = 30, expect: int = 0) -> dict[str, Any]:
    command = [NEURAL, "monitor", "demo", "--seconds", str(seconds), "--format", "json", "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == expect, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture
def slack() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An incoming webhook that keeps what it is sent."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/services/T0/B0/x", got
    server.shutdown()
    thread.join()
    server.server_close()


def _one_page_each(messages: list[dict[str, Any]]) -> None:
    """People hear of each incident once, everything about it in one message, with what they need to act."""
    pages = [one for one in messages if any(sign in str(one["blocks"]) for sign in "🔴🟠")]
    texts = ["\n".join(block["text"]["text"] for block in one["blocks"] if "text" in block) for one in pages]
    assert len(pages) == 3, texts
    for text, about in zip(texts, ("temp", "latency", "humid"), strict=True):
        assert about in text, texts
        for heading in ("*Events:*", "*Capture:*", "*Look:*", "*Dashboard:*"):
            assert heading in text
    assert "(critical)" in texts[1]
    assert "(critical)" in texts[2]


def _commands_show_it_again(messages: list[dict[str, Any]]) -> None:
    """The command of each alert, run when all is over, shows what the alert saw."""
    texts = [html.unescape(block["text"]["text"]) for one in messages for block in one["blocks"] if "text" in block]
    fired = [text for text in texts if "*Look:*" in text]
    for title, words in (("Data drift", "temp"), ("High latency", "latency"), ("Data quality", "humid")):
        text = next(text for text in fired if f"*{title}*" in text and (title != "Data quality" or "humid" in text))
        assert "trace " in text, text
        [line] = [line for line in text.splitlines() if line.startswith("*Look:*")]
        command = shlex.split(line.removeprefix("*Look:* "))
        assert command[:2] == ["neural", "monitor"]
        done = subprocess.run([NEURAL, *command[1:]], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1, (command, done.stdout, done.stderr)  # a finding
        assert words in done.stdout.lower()


def test_the_three_incidents_are_noticed_and_nothing_else(slack: tuple[str, list[dict[str, Any]]]) -> None:
    result = _demo("--slack", slack[0])
    _one_page_each(slack[1])
    _commands_show_it_again(slack[1])
    assert [one["incident"] for one in result["detections"]] == ["weather_in_celsius", "slow_dependency", "broken_upstream"]
    assert all(one["detected"] for one in result["detections"]), result["detections"]
    assert all(0 <= one["delay_seconds"] < 6 and one["delay_rows"] >= 0 for one in result["detections"])
    assert result["false_alarms"] == 0, result["alerts"]
    ledger = result["ledger"]
    assert ledger["balanced"]
    assert ledger["seen"] == ledger["shipped"] == result["requests"]
    assert ledger["dropped"] == {}
    assert result["unanswered"] == 0
    assert result["server_failures"] > 0  # the third incident makes the server fail
    assert result["rows_decoded"] > 0.95 * result["rows"]  # all but the failed requests
    assert result["labels"] > 0.8 * result["rows_decoded"]
    assert 0 < result["overhead_us_p50"] < 1000
    assert {"dashboard", "metrics"} <= set(result["urls"])
    assert result["slo"]


def test_without_incidents_there_is_nothing_to_report() -> None:
    result = _demo("--no-incidents", "--seed", "1", seconds=20)
    assert result["detections"] == []
    assert result["false_alarms"] == 0
    assert result["alerts"] == []
    assert result["ledger"]["balanced"]


def test_a_killed_sidecar_does_the_model_server_no_harm() -> None:
    result = _demo("--no-incidents", "--kill-sidecar", "--seed", "2", seconds=20)
    assert result["unanswered"] == result["server_failures"] == 0
    ledger = result["ledger"]
    assert ledger["balanced"]
    assert ledger["seen"] == result["requests"]
    assert ledger["shipped"] > 0.8 * result["requests"]  # the restarted sidecar picks up
    assert ledger["shipped"] + sum(ledger["dropped"].values()) == ledger["seen"]
