"""How long a sidecar with a month of state takes to be ready: ``make ready``.

A real sidecar makes the state of a day's last minutes; its points, reports, SLO counts, alerts and hours of the prediction log are then
written again for every minute of thirty days, as they would have been. The sidecar is started on that three times after a clean stop, and
three times after ``kill -9`` with half a minute of traffic in its journal. Exits 1 when the median of either is over two seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from sidecars import NEURAL, SidecarProcess, batch, event

DAY_SECONDS = 86_400
FULL_DAYS, DAYS, LOG_DAYS = 8, 30, 7
"""Signals of a minute stay whole for eight days, of five minutes for thirty; the log's hours for seven."""
MOST_SECONDS = 2.0
SETTINGS: dict[str, Any] = {
    "store": {"checkpoint_every": "30s", "max_disk": "50GiB"},
    "windows": {"pane": "60s", "length": "1h", "evaluate_every": "60s"},
    "reference": {"learn": "1000 rows"},
    "slos": [{"name": "availability", "type": "availability", "target": 0.999, "window": "30d"}],
    "alerts": [{"name": "drifted", "when": "drift.score > 0.3"}],
}
_MINUTES = """
WITH RECURSIVE back(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM back WHERE k < :n)
"""


def fill(sidecar: SidecarProcess, features: int, *, rows: int = 2_000, first: int = 1) -> int:
    """Rows of so many features, now. Returns the number of the next batch."""
    rng = np.random.default_rng(first)
    names = [f"feature_{at:03}" for at in range(features)]
    sequence = first
    for _ in range(rows // 100):
        events = []
        for number in range(10):
            table = [dict(zip(names, row, strict=True)) for row in np.round(rng.normal(size=(10, features)), 4).tolist()]
            events.append(event(f"{sequence}-{number}", table, rng.random(10).round(4).tolist()))
        sidecar.send([batch("server", sequence, events)])
        sequence += 1
    return sequence


def age(state: Path, days: float) -> dict[str, int]:
    """What is in the state is written again for every minute (older than eight days: every five minutes) before it."""
    connection = sqlite3.connect(state / "state.db", isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    full = int(min(days, FULL_DAYS) * 1_440)
    thin = int(max(days - FULL_DAYS, 0) * 288)
    again = "INSERT OR IGNORE INTO points SELECT series_id, time - {step}, value, verdict FROM latest, back"
    connection.execute(_MINUTES + again.format(step="60.0 * k"), {"n": full})
    if thin:
        connection.execute(_MINUTES + again.format(step=f"{FULL_DAYS * DAY_SECONDS} - 300.0 * k"), {"n": thin})
    connection.execute(
        _MINUTES
        + "INSERT INTO reports (kind, time, model, version, body) SELECT kind, time - 60.0 * k, model, version, body FROM "
        "(SELECT * FROM reports WHERE id IN (SELECT max(id) FROM reports GROUP BY kind)), back",
        {"n": int(days * 1_440)},
    )
    connection.execute(
        _MINUTES + "INSERT OR IGNORE INTO slo_counts SELECT slo, slot - 60.0 * k, good, total FROM "
        "(SELECT slo, max(slot) AS slot, good, total FROM slo_counts GROUP BY slo), back",
        {"n": int(days * 1_440)},
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    found = {
        name: int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])
        for name in ("series", "points", "reports", "slo_counts")
    }
    connection.close()
    return {**found, "log_files": _age_log(state / "predictions", days), "state_mib": (state / "state.db").stat().st_size >> 20}


def _age_log(root: Path, days: float) -> int:
    """One Parquet file an hour, as rolled; the bytes of one are the bytes of all."""
    import pyarrow.parquet as pq

    from neural.monitoring.predictions import read_predictions

    table = read_predictions(root)
    version = next(root.glob("model=*/version=*"))
    first = version / "main-1.parquet"
    pq.write_table(table, first, compression="zstd")
    made = 0
    for hour in range(2, int(min(days, LOG_DAYS) * 24)):
        when = time.gmtime(time.time() - hour * 3_600)
        folder = version / time.strftime("date=%Y-%m-%d", when) / time.strftime("hour=%H", when)
        folder.mkdir(parents=True, exist_ok=True)
        os.link(first, folder / f"main-{100_000 - hour}.parquet")
        made += 1
    first.unlink()
    return made


def month(folder: Path, features: int, days: float, neural: str = NEURAL) -> tuple[SidecarProcess, dict[str, int], int]:
    """A stopped sidecar with so many days behind it, what they hold, and the number of the next batch."""
    sidecar = SidecarProcess(folder, SETTINGS, neural=neural)
    sidecar.start()
    following = fill(sidecar, features)
    sidecar.stop()
    return sidecar, age(sidecar.state, days), following


def _cpu_seconds(sidecar: SidecarProcess) -> float:
    assert sidecar.process is not None
    fields = Path(f"/proc/{sidecar.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.ready", description=__doc__)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--days", type=float, default=DAYS)
    parser.add_argument("--neural", default=NEURAL)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="neural-ready-", dir=Path.cwd()) as name:
        sidecar, held, following = month(Path(name), options.features, options.days, options.neural)
        try:
            stopped, killed, processor = [], [], []
            for _ in range(3):
                stopped.append(sidecar.start())
                processor.append(_cpu_seconds(sidecar))
                following = fill(sidecar, options.features, rows=1_500, first=following)  # 50 rows a second for half a minute
                sidecar.kill()
                killed.append(sidecar.start())
                sidecar.stop()
        finally:
            sidecar.close()
    processor_seconds = round(statistics.median(processor), 2)  # on a machine with other work the clock says more about that
    found = {
        "after_stop_seconds": round(statistics.median(stopped), 2),
        "after_kill_seconds": round(statistics.median(killed), 2),
    }
    print(json.dumps({**held, **found, "after_stop_cpu_seconds": processor_seconds}))
    return 0 if max(found.values()) <= MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
