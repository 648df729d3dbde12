"""``neural monitor demo``: the main job on real flights."""

from neural.monitoring.demo.options import DemoOptions
from neural.monitoring.demo.run import run_demo

__all__ = ["DemoOptions", "run_demo"]
