"""Attributes for screen readers."""

from __future__ import annotations

from typing import Any


def aria(**names: str) -> Any:
    """``aria(label="Pages")`` → {"aria-label": "Pages"}; Any, as Dash's stubs know no wildcard attributes."""
    return {f"aria-{name}": value for name, value in names.items()}
