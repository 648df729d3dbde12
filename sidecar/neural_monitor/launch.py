"""Start the CLI, or say in one line why it can't start."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable


def neural() -> int:
    """``neural monitor …``"""
    return _launch("main")


def neural_monitor() -> int:
    """``neural-monitor …``: the same, for hosts where another ``neural`` exists."""
    return _launch("monitor_main")


def _launch(name: str) -> int:
    clash = hidden_by()
    if clash:
        sys.stderr.write(
            f"another package named 'neural' ({clash}) hides neural-monitoring: install the two in separate environments, "
            "or both as wheels in one site-packages (not editable)\n"
        )
        return 2
    try:
        start: Callable[[], int] = getattr(importlib.import_module("neural.monitoring.cli"), name)
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return start()


def hidden_by() -> str:
    """The file of a regular package ``neural`` that hides our namespace; empty when there is none, or when it is merged with ours."""
    spec = importlib.util.find_spec("neural")
    if spec is None or spec.origin is None:
        return ""
    return "" if importlib.util.find_spec("neural.monitoring") is not None else spec.origin
