"""The composition root: settings in, a running sidecar out."""

from neural.monitoring.app.build import Sidecar, build
from neural.monitoring.app.run import run_sidecar

__all__ = ["Sidecar", "build", "run_sidecar"]
