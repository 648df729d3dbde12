"""At-least-once delivery made exactly-once: which (source, sequence) have been accepted."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MAX_SOURCES: Final = 10_000  # server processes that are remembered; the one silent for longest is forgotten first
WINDOW: Final = 4096  # sequences behind a source's highest that may still arrive out of order


@dataclass(slots=True)
class _Seen:
    """One source: everything up to ``floor`` was accepted or is too old, and ``above`` holds what was accepted beyond it."""

    floor: int = 0
    above: set[int] = field(default_factory=set[int])

    def has(self, sequence: int) -> bool:
        return sequence <= self.floor or sequence in self.above

    def add(self, sequence: int) -> None:
        if self.has(sequence):
            return
        self.above.add(sequence)
        self._sink()
        if len(self.above) > WINDOW:  # a gap that was never filled: give the oldest gap up
            self.floor = min(self.above)
            self._sink()

    def _sink(self) -> None:
        while self.floor + 1 in self.above:
            self.floor += 1
            self.above.discard(self.floor)
        self.above.discard(self.floor)


class Deduplicator:
    """Remembers accepted sequences, bounded in sources and in disorder. Thread-safe.

    A source that starts at a sequence above 1 (the sidecar lost its state) is taken as it comes: only what was seen is a duplicate.
    """

    def __init__(self, max_sources: int = MAX_SOURCES) -> None:
        self._max_sources = max_sources
        self._sources: OrderedDict[str, _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def seen(self, source: str, sequence: int) -> bool:
        with self._lock:
            known = self._sources.get(source)
            return known is not None and known.has(sequence)

    def add(self, source: str, sequence: int) -> None:
        with self._lock:
            known = self._sources.get(source)
            if known is None:
                known = self._sources[source] = _Seen()
            known.add(sequence)
            self._sources.move_to_end(source)
            while len(self._sources) > self._max_sources:
                self._sources.popitem(last=False)

    def __len__(self) -> int:
        return len(self._sources)

    def snapshot(self) -> Mapping[str, Any]:
        """JSON-able; goes into the checkpoint, since the journal forgets what a checkpoint covers."""
        with self._lock:
            return {source: [seen.floor, sorted(seen.above)] for source, seen in self._sources.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Adds what a snapshot knew to what is known."""
        for source, (floor, above) in state.items():
            with self._lock:
                known = self._sources.setdefault(source, _Seen())
                known.floor = max(known.floor, int(floor))
                known.above = {sequence for sequence in known.above if sequence > known.floor}
            for sequence in above:
                self.add(source, int(sequence))
