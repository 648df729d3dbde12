"""The detectors of concept drift by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neural.monitoring.drift.errors.adwin import Adwin
from neural.monitoring.drift.errors.ddm import DDM
from neural.monitoring.drift.errors.page_hinkley import PageHinkley
from neural.monitoring.drift.errors.protocol import ErrorDetector

ERROR_DETECTORS: Mapping[str, Callable[[], ErrorDetector]] = {
    Adwin.name: Adwin,
    DDM.name: DDM,
    PageHinkley.name: PageHinkley,
}
