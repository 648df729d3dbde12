"""The four examples run as the seed says: ``python -m neural.monitoring.examples.…``, offline, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("basic_monitoring", "200 predictions"),
        ("drift_detection_demo", "incomes +1 σ"),
        ("custom_alerts", "4 alerts"),
        ("production_deployment", "health critical"),
    ],
)
def test_an_example_runs_by_its_module_name(name: str, said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-m", f"neural.monitoring.examples.{name}"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
