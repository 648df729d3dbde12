"""Mistakes people make on their first day: one clear line each, exit code 2, no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
NEURAL = str(Path(sys.executable).parent / "neural")


def _run(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NEURAL, "monitor", "run", "--config", str(config)], capture_output=True, text=True, check=False, timeout=60
    )


def _config(folder: Path, text: str) -> Path:
    path = folder / "neural-monitor.yaml"
    path.write_text(text.replace("FOLDER", str(folder)))
    return path


def _good(more: str = "") -> str:
    return (
        "model: {name: m}\ncapture: {listen: unix://FOLDER/c.sock}\nstore: {path: FOLDER/state}\n"
        f"dashboard: {{enabled: false}}\nexport: {{prometheus: {{enabled: false}}}}\n{more}"
    )


def _assert_one_clear_line(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    for part in parts:
        assert part in lines[0]


def test_an_unknown_key_is_named_with_line_and_nearest_name(tmp_path: Path) -> None:
    config = _config(tmp_path, _good("windos: {length: 5m}\n"))
    _assert_one_clear_line(_run(config), "neural-monitor.yaml:6", "windos", "windows")


def test_a_config_that_does_not_exist_is_named(tmp_path: Path) -> None:
    _assert_one_clear_line(_run(tmp_path / "nowhere.yaml"), "nowhere.yaml")


def test_a_port_in_use_is_named_with_the_setting_to_change(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        text = _good().replace("{enabled: false}", f"{{port: {port}}}", 1)
        _assert_one_clear_line(_run(_config(tmp_path, text)), str(port), "in use", "dashboard.port")


def test_a_missing_reference_file_is_named(tmp_path: Path) -> None:
    config = _config(tmp_path, _good("reference: {source: FOLDER/absent.parquet}\n"))
    _assert_one_clear_line(_run(config), "absent.parquet", "reference.source")


@pytest.mark.parametrize("text", ["", "age,income\n"])
def test_a_reference_file_without_rows_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.csv").write_text(text)
    config = _config(tmp_path, _good("reference: {source: FOLDER/empty.csv}\n"))
    _assert_one_clear_line(_run(config), "neural-monitor.yaml:6", "empty.csv", "reference.source")


def test_a_storage_folder_without_write_permission_is_named(tmp_path: Path) -> None:
    folder = "/proc/state" if os.geteuid() == 0 else str(tmp_path / "locked")
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o500)
    config = _config(tmp_path, _good().replace("FOLDER/state", folder))
    _assert_one_clear_line(_run(config), folder, "store.path")
