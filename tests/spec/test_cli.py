"""The seed's CLI chapter: every command with each of its options, text and JSON."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from seed import blocks, cli_options

from neural.monitoring import AlertSeverity, ModelMonitor
from neural.monitoring.cli.entry import neural, run

NEURAL = str(Path(sys.executable).parent / "neural")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything the commands show."""
    folder = tmp_path_factory.mktemp("cli") / "data"
    random = np.random.default_rng(0)
    monitor = ModelMonitor(model_name="my-model", storage_path=folder)
    monitor.set_reference_data(random.normal(size=(1000, 3)), feature_names=["a", "b", "c"])
    for i in range(20):
        monitor.log_prediction(f"p{i}", {"a": 0.1, "b": 0.2, "c": 0.3}, 1, {"0": 0.3, "1": 0.7}, ground_truth=1, latency_ms=20.0)
    for _ in range(5):
        monitor.check_drift(random.normal(size=(300, 3)) + [3, 0, 0])
        monitor.check_data_quality(random.normal(size=(300, 3)))
    monitor.send_alert("Look here", "something happened", AlertSeverity.CRITICAL)
    monitor.close()
    return folder


def _neural(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run(neural, "neural", ["monitor", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_every_command_of_the_seed_offers_every_option_of_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    commands = cli_options()
    assert list(commands) == ["init", "status", "drift", "quality", "alerts", "slo", "health", "dashboard", "prometheus"]
    for command, options in commands.items():
        code, out, _ = _neural(capsys, command, "--help")
        assert code == 0
        for option in options:
            assert option in out, (command, option)


INIT = [
    "--model-name", "my-model", "--model-version", "1.0", "--enable-prometheus", "--enable-alerting", "--enable-slo",
    "--slack-webhook", "https://hooks.slack.com/services/YOUR/WEBHOOK/URL",
    "--email-smtp", "smtp.example.com", "--email-user", "me@example.com", "--email-to", "a@example.com", "--email-to", "b@example.com",
]  # fmt: skip


def test_init_writes_a_file_that_loads_and_does_not_overwrite_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from neural.monitoring.settings import load_settings

    folder = tmp_path / "data"
    code, out, err = _neural(capsys, "init", *INIT, "--storage-path", folder)
    assert code == 0, err
    path = folder / "neural-monitor.yaml"
    settings = load_settings(path, env={"SMTP_PASSWORD": "secret", "EMAIL_PASSWORD": "secret", "NEURAL_EMAIL_PASSWORD": "secret"})
    assert settings.model.name == "my-model"
    assert settings.model.version == "1.0"
    assert settings.slos
    text = path.read_text()
    assert "hooks.slack.com" in text
    assert all(word in text for word in ("smtp.example.com", "a@example.com", "b@example.com"))
    before = path.read_text()
    code, out, err = _neural(capsys, "init", "--storage-path", folder)
    assert code == 2
    assert "--force" in err
    assert path.read_text() == before


@pytest.mark.parametrize("command", ["status", "drift", "quality", "alerts", "slo", "health"])
def test_json_output_is_one_document_and_text_is_for_people(
    command: str, storage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _neural(capsys, command, "--storage-path", storage, "--format", "json")
    assert code in (0, 1), err
    assert isinstance(json.loads(out), dict)
    code, out, err = _neural(capsys, command, "--storage-path", storage, "--format", "text")
    assert code in (0, 1), err
    assert out.strip()
    assert "\x1b" not in out  # piped: no escape codes


def test_status_names_the_model_and_counts(storage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = _neural(capsys, "status", "--storage-path", storage, "--format", "json")
    body = json.loads(out)
    assert body["model"]["name"] == "my-model"
    assert body["drift"]["is_drifting"]


@pytest.mark.parametrize(("window", "samples"), [(100, 5), (2, 2)])
def test_drift_and_quality_look_at_window_reports(
    window: int, samples: int, storage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = _neural(capsys, "drift", "--storage-path", storage, "--window", window, "--format", "json")
    drift = json.loads(out)
    assert drift["total_samples"] == samples
    assert drift["drift_detected"] == samples
    assert drift["drift_rate"] == 1.0
    _, out, _ = _neural(capsys, "quality", "--storage-path", storage, "--window", window, "--format", "json")
    assert json.loads(out)["total_reports"] == samples


def test_alerts_filters_by_hours_and_severity(storage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = _neural(capsys, "alerts", "--storage-path", storage, "--hours", 24, "--severity", "critical", "--format", "json")
    body = json.loads(out)
    assert body["time_period_hours"] == 24
    assert "Look here" in out
    assert set(body["by_severity"]) <= {"critical", "warning", "info"}
    _, out, _ = _neural(capsys, "alerts", "--storage-path", storage, "--severity", "info", "--format", "json")
    assert "Look here" not in out


def test_slo_shows_all_or_the_one_named(storage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = _neural(capsys, "slo", "--storage-path", storage, "--format", "json")
    assert "model_availability" in out
    assert "model_accuracy" in out
    _, out, _ = _neural(capsys, "slo", "--storage-path", storage, "--name", "model_accuracy", "--format", "json")
    assert "model_accuracy" in out
    assert "model_availability" not in out
    code, _, err = _neural(capsys, "slo", "--storage-path", storage, "--name", "model_acuracy")
    assert code == 2
    assert "model_accuracy" in err  # the nearest name


def test_health_is_one_word_with_reasons_and_an_exit_code(storage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _neural(capsys, "health", "--storage-path", storage, "--format", "json")
    body = json.loads(out)
    assert body["status"] in {"healthy", "warning", "critical"}
    assert code == (0 if body["status"] == "healthy" else 1)
    assert body["issues"]


def _wait_for(url: str, process: subprocess.Popen[str]) -> httpx.Response:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            return httpx.get(url, timeout=5, trust_env=False)
        except httpx.HTTPError:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "path", "expected"),
    [("dashboard", "/", "<html"), ("prometheus", "/metrics", "neural_drift_score")],
    ids=["dashboard --port --host", "prometheus --port"],
)
def test_servers_serve_stored_data_until_interrupted(command: str, path: str, expected: str, storage: Path) -> None:
    port = _free_port()
    extra = ["--host", "localhost"] if command == "dashboard" else []
    process = subprocess.Popen(
        [NEURAL, "monitor", command, "--storage-path", str(storage), "--port", str(port), *extra],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        reply = _wait_for(f"http://localhost:{port}{path}", process)
        assert reply.status_code == 200
        assert expected in reply.text
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@pytest.mark.slow
def test_the_seeds_own_command_lines_run_as_they_stand(tmp_path: Path) -> None:
    """Blocks 1 and 7 of the quick start, in a fresh folder, through a shell."""
    folder = {"cwd": tmp_path, "text": True, "capture_output": True, "env": {"PATH": f"{Path(NEURAL).parent}:/usr/bin:/bin"}}
    lines = {block.heading: block.code for block in blocks("bash")}
    done = subprocess.run(["sh", "-e", "-c", lines["1. Initialize Monitoring"]], check=False, **folder)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "monitoring_data" / "neural-monitor.yaml").exists()
    monitor = ModelMonitor(storage_path=tmp_path / "monitoring_data")
    monitor.set_reference_data(np.random.default_rng(0).normal(size=(500, 2)))
    monitor.check_drift(np.random.default_rng(1).normal(size=(500, 2)))
    monitor.close()
    for line in [line for line in lines["7. View Status"].splitlines() if line.startswith("neural")]:
        done = subprocess.run(["sh", "-c", line], check=False, **folder)
        assert done.returncode in (0, 1), f"{line}: {done.stderr}"
        assert done.stdout.strip(), line
        assert "Traceback" not in done.stderr
