"""``python -m neural_monitor …``, and the file that ``spark-submit`` is given: it takes programs that end in .py only."""

from __future__ import annotations

import sys

from neural_monitor.launch import neural_monitor

if __name__ == "__main__":
    sys.exit(neural_monitor())
