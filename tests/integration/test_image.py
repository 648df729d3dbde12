"""What the image holds is enough: the packages of its extras alone, trimmed as config/trim.sh trims them, run a sidecar with all its doors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from packaging.requirements import Requirement
from tests.sidecars import SidecarProcess, batch, event, free_port

ROOT = Path(__file__).parents[2]
EXTRAS = frozenset({"grpc", "dashboard"})
PACKAGES = Path(sysconfig.get_paths()["purelib"])
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore and refused connections
]


def _needed(name: str, extras: frozenset[str], found: dict[str, Distribution]) -> dict[str, Distribution]:
    """A distribution and what it requires with these extras, by name."""
    key = f"{name}[{','.join(sorted(extras))}]"
    if key in found:
        return found
    try:
        found[key] = distribution(name)
    except PackageNotFoundError:
        return found  # of another platform
    for line in found[key].requires or ():
        required = Requirement(line)
        wanted = [{"extra": extra} for extra in (extras or {""})]
        if required.marker is None or any(required.marker.evaluate(one) for one in wanted):
            _needed(required.name, frozenset(required.extras), found)
    return found


def _link(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, place)
    except FileExistsError:
        pass
    except OSError:
        shutil.copy2(source, place)


@pytest.fixture(scope="module")
def trimmed() -> object:
    """A folder of packages as /opt/neural of the image has it; our own come from the sources."""
    with TemporaryDirectory(dir=PACKAGES.parent) as name:  # on the same disk, so that files can be linked
        folder = Path(name)
        for one in _needed("neural-monitoring", EXTRAS, {}).values():
            for file in one.files or ():
                source = PACKAGES / file
                if ".." not in file.parts and file.suffix not in {".pyc", ".pth"} and source.is_file():
                    _link(source, folder / file)
        before = _bytes(folder)
        subprocess.run(["sh", str(ROOT / "config" / "trim.sh"), str(folder)], check=True)
        assert _bytes(folder) < 0.9 * before
        yield folder


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_sidecar_runs_on_what_is_in_the_image(trimmed: Path, tmp_path: Path) -> None:
    neural = tmp_path / "neural"
    paths = [str(trimmed), str(ROOT / "middleware"), str(ROOT / "sidecar")]
    neural.write_text(
        f"#!{sys.executable} -IS\nimport sys\nsys.path += {paths!r}\n"
        "from neural_monitor.launch import neural\nif __name__ == '__main__':\n    sys.exit(neural())\n"
    )
    neural.chmod(0o755)
    assert not any((trimmed / name).exists() for name in ("pyspark", "duckdb", "sklearn", "pandas", "pytest", "pyarrow/include"))
    metrics, dashboard = free_port(), free_port()
    settings = {
        "reference": {"learn": "20 rows"},
        "capture": {"grpc": f"tcp://127.0.0.1:{free_port()}"},
        "dashboard": {"enabled": True, "port": dashboard},
        "export": {"prometheus": {"enabled": True, "port": metrics}},
        "slos": [{"name": "up", "type": "availability", "target": "99%", "window": "28d"}],
        "alerts": [{"name": "late", "when": "latency_p95 > 1.0"}],
    }
    sidecar = SidecarProcess(tmp_path, settings, neural=str(neural))
    try:
        sidecar.start()
        rows = [{"x": float(i), "kind": "ab"[i % 2]} for i in range(30)]
        old = time.time() - 7200  # an hour that is over: it becomes Parquet
        sidecar.send([batch("server", 1, [event(f"p{at}", rows, [0.5] * 30, started=old) for at in range(3)], seen=3)])
        deadline = time.monotonic() + 40
        while 'neural_predictions_total{model="m",version="1.0"} 90.0' not in _get(metrics, "/metrics"):
            assert time.monotonic() < deadline, sidecar.said()
            time.sleep(0.3)
        assert "Dash" in _get(dashboard, "/")
        for page in ("/drift", "/api/v1/status", "/_dash-layout", "/_dash-dependencies"):
            assert _get(dashboard, page)
        while not list(sidecar.state.rglob("*.parquet")):
            assert time.monotonic() < deadline, sidecar.said()
            time.sleep(0.3)
        read = [str(neural), "monitor", "report", "--storage-path", str(sidecar.state), "--output", str(tmp_path / "report.html")]
        done = subprocess.run(read, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in {0, 1}, done.stderr
        assert (tmp_path / "report.html").stat().st_size > 1_000
        assert "ImportError" not in sidecar.stop()
    finally:
        sidecar.close()


def _get(port: int, path: str) -> str:
    answer = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=20)
    assert answer.status_code == 200, (path, answer.text[:300])
    return answer.text
