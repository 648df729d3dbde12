"""A writer killed at any moment leaves whole transactions, all of those it was told were done."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from neural.monitoring.store import open_store

WRITER = """
import sys
from neural.monitoring.signal import Signal
from neural.monitoring.store import Report, open_store
store = open_store(sys.argv[1])
number = store.value("number", 0)
while True:
    number += 1
    with store.transaction():
        store.write_signals([Signal("x", float(number), float(number), {"f": str(f)}) for f in range(20)])
        store.put_value("number", number)
        store.put_blob("pane", "all", str(number).encode() * 1000)
        store.add_report(Report("drift", float(number), "m", "1", {"number": number}))
    print(number, flush=True)
"""


@pytest.mark.slow
def test_killed_writers_leave_whole_transactions(tmp_path):
    chance = random.Random(0)
    acknowledged = 0
    for _ in range(12):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(chance.randrange(1, 40)):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        rest = writer.communicate()[0].splitlines()
        acknowledged = int(rest[-1]) if rest else acknowledged
        store = open_store(tmp_path)
        number = store.value("number")
        assert number in {acknowledged, acknowledged + 1}
        assert [signal.value for signal in store.latest_signals()] == [float(number)] * 20
        assert store.blob("pane", "all") == str(number).encode() * 1000
        assert [report.body["number"] for report in store.reports("drift", limit=10_000)] == list(range(1, number + 1))
        store.close()
