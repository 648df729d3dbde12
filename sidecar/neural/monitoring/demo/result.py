"""The demo's result: one value, printed as JSON or as plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neural.monitoring.demo.judge import Detection
from neural.wire import Ledger


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo saw. ``overhead_us_p50`` is the middleware's own measurement, in microseconds a request."""

    requests: int
    rows: int
    ledger: Ledger
    detections: Sequence[Detection]
    false_alarms: int
    alerts: Sequence[Mapping[str, Any]]
    slo: Mapping[str, Any]
    overhead_us_p50: float | None
    urls: Mapping[str, str]
    storage_path: str
    seconds: float
    server_failures: int
    unanswered: Mapping[str, int]
    labels: int
    rows_decoded: int
    season: Sequence[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])

    @property
    def balanced(self) -> bool:
        """The ledger adds up, and nothing is under way any more."""
        return self.ledger.balanced and self.ledger.in_flight == 0

    def to_dict(self) -> dict[str, Any]:
        ledger = self.ledger
        return {
            "requests": self.requests,
            "rows": self.rows,
            "rows_decoded": self.rows_decoded,
            "server_failures": self.server_failures,
            "unanswered": sum(self.unanswered.values()),
            "unanswered_why": dict(self.unanswered),
            "labels": self.labels,
            "seconds": self.seconds,
            "ledger": {
                "seen": ledger.seen,
                "shipped": ledger.shipped,
                "sampled_out": ledger.sampled_out,
                "dropped": dict(ledger.dropped),
                "in_flight": ledger.in_flight,
                "balanced": self.balanced,
            },
            "detections": [
                {
                    "incident": one.incident.value,
                    "detected": one.detected,
                    "delay_rows": one.delay_rows,
                    "delay_seconds": one.delay_seconds,
                    "alert": one.alert,
                    "message": one.message,
                }
                for one in self.detections
            ],
            "false_alarms": self.false_alarms,
            "alerts": list(self.alerts),
            "slo": dict(self.slo),
            "overhead_us_p50": self.overhead_us_p50,
            "urls": dict(self.urls),
            "storage_path": self.storage_path,
            **({"season": list(self.season)} if self.season else {}),
        }
