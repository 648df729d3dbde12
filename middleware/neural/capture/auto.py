"""Capture without a line of code: ``NEURAL_CAPTURE_APP=module:app uvicorn neural.capture.auto:app``.

The application may be a factory: ``module:create_app()``. Every setting is read from ``NEURAL_CAPTURE_*``.
"""

from __future__ import annotations

import os
from functools import reduce
from importlib import import_module
from typing import Any

from neural.capture.middleware import CaptureMiddleware
from neural.capture.settings import SettingsError


def load_app(target: str) -> Any:
    """The application that ``module:attribute`` names, or what ``module:factory()`` returns. Raises SettingsError."""
    module_name, _, path = target.partition(":")
    if not module_name or not path:
        raise SettingsError(f"NEURAL_CAPTURE_APP: {target!r} names no application; write module:app or module:create_app()")
    try:
        found: Any = reduce(getattr, path.removesuffix("()").split("."), import_module(module_name))
    except AttributeError as error:
        raise SettingsError(f"NEURAL_CAPTURE_APP: {target!r}: {error}") from error
    return found() if path.endswith("()") else found


def __getattr__(name: str) -> Any:
    """``app`` is made when it is asked for, so that importing this module has no effect."""
    if name != "app":
        raise AttributeError(name)
    app = CaptureMiddleware(load_app(os.environ.get("NEURAL_CAPTURE_APP", "")))
    globals()["app"] = app
    return app
