"""What a fuzz target is: a function that any bytes may be given, and inputs to begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """``run`` raises for a finding, and for nothing else. ``seeds`` are made when asked for."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
