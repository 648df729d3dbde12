"""Capture on the model server's side. Standard library only, so that it can't fight with a server's pins.

``app = CaptureMiddleware(app, model="fraud", version="3")`` is all there is to do.
"""

from __future__ import annotations

from neural.capture.middleware import CaptureMiddleware
from neural.capture.recorder import Recorder, flush, ledgers, recorder_for
from neural.capture.settings import Settings, SettingsError, load_settings
from neural.capture.transport import Reply, Transport
from neural.capture.version import __version__

__all__ = [
    "CaptureMiddleware",
    "Recorder",
    "Reply",
    "Settings",
    "SettingsError",
    "Transport",
    "__version__",
    "flush",
    "ledgers",
    "load_settings",
    "recorder_for",
]
