"""Read-only questions on a store. Each answer is one JSON-able dict, printed alike by CLI, API and dashboard."""

from __future__ import annotations

from neural.monitoring.views.alerts import alert_dict, alerts, silence_dict
from neural.monitoring.views.capture import capture
from neural.monitoring.views.current import CAPTURE, SIDECAR, models, signal_dict, silence_limit_seconds, verdict_dict
from neural.monitoring.views.drift import drift
from neural.monitoring.views.health import health
from neural.monitoring.views.performance import performance
from neural.monitoring.views.quality import quality
from neural.monitoring.views.questions import QUESTIONS, ask
from neural.monitoring.views.references import REFERENCES, reference_dict, references
from neural.monitoring.views.slos import slos
from neural.monitoring.views.snapshot import Snapshot, SnapshotBoard
from neural.monitoring.views.status import status

__all__ = [
    "CAPTURE", "QUESTIONS", "REFERENCES", "SIDECAR", "Snapshot", "SnapshotBoard", "alert_dict", "alerts", "ask", "capture", "drift", "health",
    "models",
    "performance", "quality",
    "reference_dict", "references", "signal_dict", "silence_dict", "silence_limit_seconds", "slos", "status", "verdict_dict",
]  # fmt: skip
