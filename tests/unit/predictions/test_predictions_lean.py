"""What writing the log loads: in a process of its own, for others load more."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from neural.monitoring.cli.lean import leave_out
leave_out()  # as a sidecar does: Arrow would load pandas, and that Arrow's functions
from neural.monitoring.predictions import PredictionLog
from neural.monitoring.records import Coding, Column, Kind, RecordBatch

start, n = 1_700_002_800.0, 6
gone = np.zeros(n, dtype=bool)
words = np.array(["yes", "no"] * 3, dtype=object)
columns = {
    "x": Column("x", Kind.NUMERIC, np.arange(n) * 1.0, gone),
    "w": Column("w", Kind.CATEGORICAL, words, gone),
    "b": Column("b", Kind.BOOLEAN, np.ones(n), gone),
}
answers = Column("prediction", Kind.CATEGORICAL, words, gone, coding=Coding.of(words.tolist()))
times = np.array([start - 2, start - 1, start, start + 1, start + 2, start + 3])
log = PredictionLog(Path(sys.argv[1]), clock=lambda: start)
log.append(RecordBatch("m", "1", times, [str(at) for at in range(n)], columns, predictions=answers))
log.checkpoint()
assert log.roll(start + 9_000, lambda ids: [None] * len(ids)) == 2
print("pyarrow.compute" in sys.modules)
from neural.monitoring.predictions import read_predictions
print(read_predictions(sys.argv[1])["prediction"].to_pylist())
"""


def test_writing_and_rolling_the_log_does_not_load_arrows_functions(tmp_path):
    """They would hold some 17 MiB of every sidecar."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["False", str(["yes", "no"] * 3)]
