"""``python -m neural.monitoring.cli …`` is ``neural-monitor …``."""

from __future__ import annotations

import sys

from neural.monitoring.cli.entry import monitor_main

sys.exit(monitor_main())
