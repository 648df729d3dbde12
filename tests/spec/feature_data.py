"""Numbers that are calm, and numbers that have moved."""

from __future__ import annotations

import numpy as np

RANDOM = np.random.default_rng(0)
REFERENCE = RANDOM.normal(size=(2000, 4))
CURRENT = RANDOM.normal(size=(500, 4))
SHIFTED = CURRENT + np.array([2.0, 0.0, 0.0, 0.0])
