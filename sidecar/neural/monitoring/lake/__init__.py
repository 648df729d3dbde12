"""Questions on a lake of prediction logs, asked as one expression and answered by an engine. Needs ``neural-monitoring[lake]``."""

from neural.monitoring.lake.profile import profile

__all__ = ["profile"]
