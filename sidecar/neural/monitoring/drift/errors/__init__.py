"""Concept drift: the model's errors change, whatever its inputs do."""

from __future__ import annotations

from neural.monitoring.drift.errors.adwin import Adwin
from neural.monitoring.drift.errors.ddm import DDM
from neural.monitoring.drift.errors.page_hinkley import PageHinkley
from neural.monitoring.drift.errors.protocol import Change, ErrorDetector
from neural.monitoring.drift.errors.registry import ERROR_DETECTORS

__all__ = ["DDM", "ERROR_DETECTORS", "Adwin", "Change", "ErrorDetector", "PageHinkley"]
