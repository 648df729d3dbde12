"""Resident memory of panes and detector, 100 features and an hour's window, over ten million rows. Prints JSON; run by bench_drift."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from neural.monitoring.clock import ManualClock
from neural.monitoring.drift import DriftMonitor, DriftSettings
from neural.monitoring.records import RecordBatch
from neural.monitoring.windows import PaneStore, WindowSettings, build_reference, columns_from

FEATURES, BATCH, ROWS_A_MINUTE = 100, 5_000, 50_000
MARKS = (1_000_000, 5_000_000, 10_000_000)


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    random = np.random.default_rng(0)
    names = [f"f{at}" for at in range(FEATURES)]
    batches = [columns_from({name: random.normal(size=BATCH) for name in names}) for _ in range(3)]
    clock, monitor = ManualClock(), DriftMonitor(DriftSettings())
    bare = resident_bytes()  # with the rows to send, but nothing of ours
    panes = PaneStore(WindowSettings(), clock)
    panes.set_default_reference(
        build_reference(columns_from({name: random.normal(size=10_000) for name in names}), source="bench", created_at=0.0)
    )
    above: dict[int, int] = {}
    rows = 0
    while rows < MARKS[-1]:
        times = np.full(BATCH, clock())
        panes.add_rows(RecordBatch("m", "1", times, [""] * BATCH, batches[rows // BATCH % len(batches)]))
        rows += BATCH
        if rows % ROWS_A_MINUTE == 0:
            clock.advance(60.0)
            panes.expire(clock())
            list(monitor.evaluate(panes.evaluation("m", "1", clock())))
        if rows in MARKS:
            above[rows] = resident_bytes() - bare
    print(json.dumps(above))


if __name__ == "__main__":
    main()
