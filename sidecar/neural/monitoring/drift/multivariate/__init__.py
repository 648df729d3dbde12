"""Drift of whole rows: columns that each look as before, and no longer go together."""

from __future__ import annotations

from neural.monitoring.drift.multivariate.registry import ROW_METHODS, RowDrift, RowMethod, RowsMoved

__all__ = ["ROW_METHODS", "RowDrift", "RowMethod", "RowsMoved"]
