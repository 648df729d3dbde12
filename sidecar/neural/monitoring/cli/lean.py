"""What a running sidecar need not load: parts that its libraries import for uses of their own."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

LEFT_OUT = ("httpx._main", "cel.cli")
"""Command lines, with a whole terminal behind each. With numpy's Fortran front end, which scipy's look at numpy's names would load, it
is 15 MB and half a second before the first row."""
_SPECIAL = "scipy.special"


def leave_out() -> None:
    """Only for a process that is a sidecar and nothing else: there these modules are empty. What is loaded already stays."""
    for name in LEFT_OUT:
        module = ModuleType(name)
        module.__dict__["main"] = _no_command_line  # httpx hands it on
        sys.modules.setdefault(name, module)
    if "numpy.f2py" not in sys.modules:
        np.__dict__["f2py"] = ModuleType("numpy.f2py")
    _without_pandas()
    _compiled_functions_first()


def _no_command_line() -> None:
    """Stands for a main that a sidecar does not call."""


def _without_pandas() -> None:
    """Arrow loads pandas, where it is installed, to see whether a list is one of its objects: 45 MB. It looks once; others may load it later."""
    sys.meta_path.insert(0, _NO_PANDAS)
    try:
        pa.array([0.0])
    finally:
        sys.meta_path.remove(_NO_PANDAS)


class _NoPandas:
    """Finds nothing, and keeps those after it from finding pandas."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not looked for", name=name)


_NO_PANDAS = _NoPandas()


class _Special(ModuleType):
    """``scipy.special``: its compiled functions at once, the rest of it when something else is asked for."""

    def __getattr__(self, name: str) -> Any:
        spec: ModuleSpec | None = self.__spec__
        if name.startswith("__") or spec is None or spec.loader is None or vars(self).setdefault("_whole", False):
            raise AttributeError(f"module {_SPECIAL!r} has no attribute {name!r}")
        vars(self)["_whole"] = True
        spec.loader.exec_module(self)
        return getattr(self, name)


def _compiled_functions_first() -> None:
    """The functions are compiled; the package around them loads unittest and half of numpy for array libraries a sidecar does not have: 20 MB."""
    spec = find_spec(_SPECIAL)
    if _SPECIAL in sys.modules or spec is None:
        return
    module = module_from_spec(spec)
    module.__class__ = _Special
    sys.modules[_SPECIAL] = module
    try:
        compiled = importlib.import_module(f"{_SPECIAL}._ufuncs")
        vars(module).update({name: value for name, value in vars(compiled).items() if isinstance(value, np.ufunc)})
    except ImportError:  # a scipy that is built otherwise
        for name in [name for name in sys.modules if name.startswith(_SPECIAL)]:
            del sys.modules[name]
