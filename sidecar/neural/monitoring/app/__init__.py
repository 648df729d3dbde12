"""The composition root: settings in, a running sidecar out."""

from neural.monitoring.app.build import build
from neural.monitoring.app.run import run_sidecar
from neural.monitoring.app.sidecar import Sidecar

__all__ = ["Sidecar", "build", "run_sidecar"]
