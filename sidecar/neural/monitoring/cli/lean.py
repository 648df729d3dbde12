"""What a running sidecar need not load: parts that its libraries import for uses of their own."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np

LEFT_OUT = ("httpx._main", "cel.cli")
"""Command lines, with a whole terminal behind each. With numpy's Fortran front end, which scipy's look at numpy's names would load, it
is 15 MB and half a second before the first row."""


def leave_out() -> None:
    """Only for a process that is a sidecar and nothing else: there these modules are empty. What is loaded already stays."""
    for name in LEFT_OUT:
        module = ModuleType(name)
        module.__dict__["main"] = _no_command_line  # httpx hands it on
        sys.modules.setdefault(name, module)
    if "numpy.f2py" not in sys.modules:
        np.__dict__["f2py"] = ModuleType("numpy.f2py")


def _no_command_line() -> None:
    """Stands for a main that a sidecar does not call."""
