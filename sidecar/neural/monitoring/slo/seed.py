"""The seed's SLO values and constructors: an objective on measured values rather than on counted events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from neural.monitoring.errors import DataError
from neural.monitoring.slo.settings import SLOType

_HOUR_SECONDS = 3600.0
SHARE_OF_MEASUREMENTS = 0.99
"""The share of measurements that must meet a latency or throughput target, which is a time or a rate and has no budget itself."""


@dataclass(frozen=True, slots=True)
class SLO:
    """One objective on a measured value.

    ``target`` is a share for availability, accuracy and error rate (there the highest share of errors), seconds for latency (the longest)
    and requests a second for throughput (the fewest).
    """

    name: str
    slo_type: SLOType
    target: float
    window_seconds: float
    description: str = ""

    def __post_init__(self) -> None:
        if self.window_seconds <= 0:
            raise DataError(f"the window of {self.name!r} must be longer than zero, not {self.window_seconds}")

    @property
    def terms(self) -> tuple[SLOType, float, float]:
        """What measurements were counted under: they mean nothing under others."""
        return self.slo_type, self.target, self.window_seconds

    @property
    def lower_is_better(self) -> bool:
        """True for latency and error rate."""
        return self.slo_type in (SLOType.LATENCY, SLOType.ERROR_RATE)

    def is_met_by(self, value: float) -> bool:
        """Whether one measured value meets the target."""
        return value <= self.target if self.lower_is_better else value >= self.target

    @property
    def goal(self) -> float:
        """The share of good events that the budget is made of."""
        if self.slo_type is SLOType.ERROR_RATE:
            return 1 - self.target
        return SHARE_OF_MEASUREMENTS if self.slo_type in (SLOType.LATENCY, SLOType.THROUGHPUT) else self.target

    def good_share(self, value: float) -> float:
        """How much of one measurement counts as good: its own value where it is a share, else all or nothing."""
        if self.slo_type in (SLOType.LATENCY, SLOType.THROUGHPUT):
            return float(self.is_met_by(value))
        return min(max(1 - value if self.slo_type is SLOType.ERROR_RATE else value, 0.0), 1.0)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "slo_type": str(self.slo_type)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SLO:
        """The inverse of ``to_dict``."""
        return cls(data["name"], SLOType(data["slo_type"]), data["target"], data["window_seconds"], data.get("description", ""))


def create_availability_slo(target: float = 0.999, window_hours: float = 24) -> SLO:
    """Availability (a share) is at least ``target``."""
    description = f"Model availability of at least {target:.3%}"
    return SLO("model_availability", SLOType.AVAILABILITY, target, window_hours * _HOUR_SECONDS, description)


def create_latency_slo(target_ms: float = 100.0, window_hours: float = 1) -> SLO:
    """95th percentile of latency is at most ``target_ms`` milliseconds. Target and measurements are in seconds."""
    description = f"Prediction latency (p95) of at most {target_ms:g} ms"
    return SLO("prediction_latency_p95", SLOType.LATENCY, target_ms / 1000, window_hours * _HOUR_SECONDS, description)


def create_accuracy_slo(target: float = 0.95, window_hours: float = 24) -> SLO:
    """Accuracy (a share) is at least ``target``."""
    return SLO(
        "model_accuracy", SLOType.ACCURACY, target, window_hours * _HOUR_SECONDS, f"Model accuracy of at least {target:.2%}"
    )


def create_error_rate_slo(target: float = 0.01, window_hours: float = 1) -> SLO:
    """At most the share ``target`` fails. The budget is the target itself, not 1 − target."""
    return SLO("error_rate", SLOType.ERROR_RATE, target, window_hours * _HOUR_SECONDS, f"Error rate of at most {target:.2%}")


def create_throughput_slo(target: float = 100.0, window_hours: float = 1) -> SLO:
    """At least ``target`` requests a second."""
    return SLO("throughput", SLOType.THROUGHPUT, target, window_hours * _HOUR_SECONDS, f"At least {target:g} requests a second")
