"""What a detector of concept drift is: it reads the model's errors, one labelled row after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Change:
    """A change for the worse or the better: mean error before and after, and how many rows before the last one it began."""

    before: float
    after: float
    rows_since: int

    @property
    def worse(self) -> bool:
        return self.after > self.before


class ErrorDetector(Protocol):
    """``name`` is its key in settings. Errors are numbers in [0, 1]: 0 right, 1 wrong, or something between."""

    name: str

    def update(self, errors: NDArray[np.float64]) -> Change | None:
        """Read errors of shape (rows,) in order; the last change found among them, or None. After a change it starts anew."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """JSON-able."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None: ...
