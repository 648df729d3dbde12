"""The console scripts as processes: what they load, how they end, and how they share a store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neural.monitoring.signal import Signal
from neural.monitoring.store import open_store

BIN = Path(sys.executable).parent
LABELS = {"model": "fraud", "version": "3"}


def run(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("NEURAL_", "FORCE_", "NO_COLOR"))}
    return subprocess.run([*map(str, arguments)], text=True, capture_output=True, check=False, env=environment, **more)


@pytest.fixture
def storage(tmp_path):
    store = open_store(tmp_path)
    now = time.time()
    store.write_signals([Signal("error_rate", 0.01, now, LABELS), Signal("requests.count", 5.0, now, LABELS)])
    yield tmp_path, store
    store.close()


@pytest.mark.parametrize("script", [["neural", "monitor"], ["neural-monitor"]], ids=" ".join)
def test_both_scripts_answer_while_another_process_holds_the_store(script, storage):
    path, store = storage
    with store.transaction():
        store.put_value("half", "written")
        said = run(BIN / script[0], *script[1:], "status", "--storage-path", path, "--format", "json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["error_rate"] == 0.01


def test_health_loads_nothing_heavy(storage):
    path, _ = storage
    code = (
        "import sys; from neural.monitoring.cli.entry import monitor, run\n"
        f"run(monitor, 'neural-monitor', ['health', '--storage-path', {str(path)!r}])\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    loaded = eval(run(sys.executable, "-c", code).stderr.splitlines()[-1])
    assert not {
        "numpy",
        "scipy",
        "pydantic",
        "pyarrow",
        "dash",
        "plotly",
        "starlette",
        "uvicorn",
        "httpx",
        "yaml",
        "prometheus_client",
    } & set(loaded)


def test_health_loads_nothing_of_the_capture_side_but_the_wire(storage):
    path, _ = storage
    code = (
        "import sys; from neural.monitoring.cli.entry import monitor, run\n"
        f"run(monitor, 'neural-monitor', ['health', '--storage-path', {str(path)!r}])\n"
        "print([name for name in sys.modules if name.startswith('neural.capture')], file=sys.stderr)"
    )
    assert eval(run(sys.executable, "-c", code).stderr.splitlines()[-1]) == []
    assert "version" in run(BIN / "neural", "monitor", "--version").stdout


def test_a_reader_that_has_seen_enough_is_no_error(storage):
    path, _ = storage
    script = f"{BIN / 'neural-monitor'} config full | head -n 1; {BIN / 'neural-monitor'} drift --storage-path {path} --format json | head -n 1"
    said = run("bash", "-c", f"set -o pipefail; {script}")
    assert "Traceback" not in said.stderr
    assert "Broken" not in said.stderr
    assert len(said.stdout.splitlines()) == 2


def test_watching_in_json_is_a_line_a_look_until_interrupted(storage):
    path, store = storage
    process = subprocess.Popen(
        [BIN / "neural-monitor", "status", "--storage-path", path, "--format", "json", "--watch", "0.1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["error_rate"] == 0.01
    store.write_signals([Signal("error_rate", 0.5, time.time(), LABELS)])
    while json.loads(process.stdout.readline())["error_rate"] != 0.5:
        pass
    process.send_signal(2)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_an_unwritable_storage_path_is_one_line(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o555)
    said = run(BIN / "neural-monitor", "init", "--storage-path", tmp_path / "data")
    assert said.returncode == 2
    assert len(said.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell):
    said = run(BIN / "neural", "monitor", "completion", shell)
    assert said.returncode == 0
    assert "_NEURAL_COMPLETE" in said.stdout


def test_completion_completes(tmp_path):
    environment = {**os.environ, "_NEURAL_COMPLETE": "bash_complete", "COMP_WORDS": "neural monitor dr", "COMP_CWORD": "2"}
    said = subprocess.run([BIN / "neural"], env=environment, text=True, capture_output=True, check=False)
    assert said.stdout.strip() == "plain,drift"
