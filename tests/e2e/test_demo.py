"""The main job, as a newcomer runs it: real processes, real flights, judged by the demo's own JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NEURAL = str(Path(sys.executable).parent / "neural")


def _demo(*options: str, expect: int = 0) -> dict[str, Any]:
    command = [NEURAL, "monitor", "demo", "--seconds", "30", "--format", "json", "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == expect, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout)


def test_the_three_incidents_are_noticed_and_nothing_else() -> None:
    result = _demo()
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
    result = _demo("--no-incidents", "--seed", "1")
    assert result["detections"] == []
    assert result["false_alarms"] == 0
    assert result["alerts"] == []
    assert result["ledger"]["balanced"]


def test_a_killed_sidecar_does_the_model_server_no_harm() -> None:
    result = _demo("--no-incidents", "--kill-sidecar", "--seed", "2")
    assert result["unanswered"] == result["server_failures"] == 0
    ledger = result["ledger"]
    assert ledger["balanced"]
    assert ledger["seen"] == result["requests"]
    assert ledger["shipped"] > 0.8 * result["requests"]  # the restarted sidecar picks up
    assert ledger["shipped"] + sum(ledger["dropped"].values()) == ledger["seen"]
