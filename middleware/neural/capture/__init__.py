"""Capture on the model server's side. Standard library only, so that it can't fight with a server's pins."""

from __future__ import annotations

from neural.capture.version import __version__

__all__ = ["__version__"]
