"""The short version of ``make torture``: a few kills at random moments, and the same verdicts as a sidecar that was spared."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from torture import fsync_price, torture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore and refused connections
]


def test_killed_and_spared_sidecars_come_to_the_same_verdicts(tmp_path: Path) -> None:
    found = torture(tmp_path, kills=4, seed=random.randrange(1 << 30))
    assert found["rows"] > 0
    assert found["verdicts"] > 10
    assert found["panes"] > 0


def test_the_price_of_fsync_can_be_measured(tmp_path: Path) -> None:
    assert set(fsync_price(tmp_path, batches=20)) == {"never", "batch"}
