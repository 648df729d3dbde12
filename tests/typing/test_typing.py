"""The types that users see: their strict checkers accept a script that uses all of the public API."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SCRIPT = Path(__file__).with_name("api.py")
TOOLS = Path(sys.executable).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The user's, with none of our settings in it."""
    shutil.copy(SCRIPT, tmp_path / "api.py")
    return tmp_path


def _check(folder: Path, *command: str) -> tuple[int, str]:
    done = subprocess.run([*command], cwd=folder, capture_output=True, text=True, check=False, timeout=280)
    return done.returncode, done.stdout + done.stderr


def _mypy(folder: Path) -> tuple[int, str]:
    return _check(folder, str(TOOLS / "mypy"), "--strict", "--python-executable", sys.executable, "api.py")


def test_mypy_strict_accepts_a_users_script(folder: Path) -> None:
    code, text = _mypy(folder)
    assert code == 0, text


def test_a_wrong_call_is_found(folder: Path) -> None:
    with (folder / "api.py").open("a") as script:
        script.write("\nDriftDetector(drift_treshold=0.1)\nModelMonitor().check_drift([1.0]).is_drifting\n")
    code, text = _mypy(folder)
    assert code == 1
    assert '"drift_treshold"' in text
    assert 'has no attribute "is_drifting"' in text


def test_pyright_strict_accepts_a_users_script(folder: Path) -> None:
    (folder / "pyrightconfig.json").write_text(json.dumps({"include": ["api.py"], "typeCheckingMode": "strict"}))
    code, text = _check(folder, str(TOOLS / "pyright"), "--pythonpath", sys.executable)
    assert code == 0, text
