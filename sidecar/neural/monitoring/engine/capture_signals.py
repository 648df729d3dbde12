"""Signals about the capture side and the sidecar itself: is anything lost, is anything late?"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from neural.monitoring.engine.counters import Totals
from neural.monitoring.signal import Signal, SignalSpec

CAPTURE_SPECS = (
    SignalSpec("capture.seen", "Requests the capture side has seen", "count", higher_is_worse=False),
    SignalSpec("capture.shipped", "Requests shipped and acknowledged", "count", higher_is_worse=False),
    SignalSpec("capture.sampled_out", "Requests left out by sampling", "count", higher_is_worse=False),
    SignalSpec("capture.dropped", "Requests lost on the capture side", "count", labels=("reason",)),
    SignalSpec("capture.loss_ratio", "Share of the requests seen that were lost"),
    SignalSpec("sidecar.evaluation_seconds", "Time the last evaluation took", "s"),
    SignalSpec("sidecar.memory_bytes", "Resident memory of the sidecar", "By"),
    SignalSpec("sidecar.backlog", "Journal entries waiting to be processed", "count"),
)
_STATM = Path("/proc/self/statm")


def memory_bytes() -> int:
    """Resident set size now; where /proc is absent, the peak."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def capture_signals(
    totals: Totals, now: float, labels: dict[str, str], *, evaluation_seconds: float, backlog: int
) -> Iterator[Signal]:
    """The engine's own signals at one evaluation."""
    ledger = totals.ledger()
    lost = sum(ledger.dropped.values())
    values = {
        "capture.seen": ledger.seen,
        "capture.shipped": ledger.shipped,
        "capture.sampled_out": ledger.sampled_out,
        "capture.loss_ratio": lost / ledger.seen if ledger.seen else None,
        "sidecar.evaluation_seconds": evaluation_seconds,
        "sidecar.memory_bytes": memory_bytes(),
        "sidecar.backlog": backlog,
    }
    for name, value in values.items():
        yield Signal(name, None if value is None else float(value), now, labels)
    for reason, count in ledger.dropped.items():
        yield Signal("capture.dropped", float(count), now, {**labels, "reason": reason})
