"""The built wheel and sdist work outside the checkout."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tarfile
import time
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], check=True, capture_output=True, text=True
    )
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel; its dependencies are lent by this one (whose own editable install is not)."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=True)
    wheel = next(built.glob("*.whl"))
    subprocess.run(
        [folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True, capture_output=True
    )
    return folder


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": sysconfig.get_paths()["purelib"], "PYTHONSAFEPATH": "1"}


def test_templates_schema_and_styles_travel_in_the_wheel(built: Path) -> None:
    names = zipfile.ZipFile(next(built.glob("*.whl"))).namelist()
    for wanted in ("demo/flights.yaml", "alerts/predefined.yaml", "slo/burn_rates.yaml", "reports/report.css"):
        assert f"neural/monitoring/{wanted}" in names
    assert any(name.startswith("neural/monitoring/dashboard/assets/") for name in names)
    assert {"neural/capture/py.typed", "neural/wire/py.typed", "neural/monitoring/py.typed"} <= set(names)
    assert "neural/__init__.py" not in names
    assert not [name for name in names if name.startswith("tests")]


def test_the_sdist_holds_tests_contract_and_configuration(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "Makefile", "proto/neural/capture/v1/capture.proto", "tests/spec/seed-readme.md"} <= names
    assert not [name for name in names if ".venv" in name or "__pycache__" in name]


def test_a_bare_install_captures_without_any_dependency(installed: Path, tmp_path: Path) -> None:
    code = "import neural.capture, sys; print(neural.capture.__file__); neural.capture.CaptureMiddleware(lambda *a: None)"
    done = subprocess.run([installed / "bin/python", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout
    done = subprocess.run(
        [installed / "bin/python", "-c", "import neural.monitoring"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "pip install 'neural-monitoring[sidecar]'" in done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_init_run_and_dashboard_work_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    neural, environment = installed / "bin/neural", _environment()
    done = subprocess.run(
        [neural, "monitor", "init", "--model-name", "m", "--enable-slo"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    config = tmp_path / "monitoring_data" / "neural-monitor.yaml"
    port, metrics = _free_port(), _free_port()
    own = (
        f"dashboard: {{port: {port}}}\nexport: {{prometheus: {{port: {metrics}}}}}\n"
        f"capture: {{listen: unix://{tmp_path}/c.sock}}\nstore: {{path: {tmp_path}/state}}\n"
    )
    (tmp_path / "mine.yaml").write_text(_without_sections(config.read_text()) + own)
    process = subprocess.Popen(
        [neural, "monitor", "run", "--config", "mine.yaml"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        _wait(f"http://127.0.0.1:{port}/ready", process)
        assert "<html" in httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text
        assert "neural_" in httpx.get(f"http://127.0.0.1:{metrics}/metrics", trust_env=False).text
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def _without_sections(text: str) -> str:
    """The written file less the sections this test sets itself."""
    import yaml

    body = yaml.safe_load(text)
    for section in ("dashboard", "export", "capture", "store"):
        body.pop(section, None)
    return yaml.safe_dump(body)


def _wait(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")
