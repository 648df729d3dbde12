"""Arrays of numbers as text, for checkpoints."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack(values: NDArray[Any]) -> str:
    """An array of 8-byte numbers as text that JSON can carry, exactly and briefly."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def unpack(text: str) -> NDArray[np.float64]:
    return np.frombuffer(bytearray(base64.b64decode(text)), dtype=np.float64)
