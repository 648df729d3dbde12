"""Quality counts over time: the last evaluations one by one, and the window in slots."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.quality.tally import Tally

SCALES = (1, 4, 16)  # evaluations looked back; the whole window is a fourth look
SLOTS_PER_WINDOW = 60


@dataclass(frozen=True, slots=True)
class Step:
    """What came in between two evaluations."""

    since: float
    until: float
    tally: Tally


class History:
    """Bounded: ``max(SCALES)`` steps and one slot more than ``SLOTS_PER_WINDOW``."""

    def __init__(self) -> None:
        self.steps: deque[Step] = deque(maxlen=max(SCALES))
        self.slots: dict[int, Tally] = {}
        self._slot_seconds = 0.0

    def add(self, step: Step, length_seconds: float) -> None:
        if self.steps and step.until < self.steps[-1].until:
            self.steps.clear()  # the clock went back: looking back over both sides would mean nothing
        self.steps.append(step)
        width = length_seconds / SLOTS_PER_WINDOW
        if width != self._slot_seconds:
            self.slots, self._slot_seconds = {}, width
        slot = int(step.until / width)
        self.slots.setdefault(slot, Tally()).add(step.tally)
        for old in [key for key in self.slots if key <= slot - SLOTS_PER_WINDOW or key > slot]:
            del self.slots[old]

    def window(self) -> Tally:
        """Everything of the last window length."""
        return Tally.summed(self.slots.values())

    def looks(self) -> Iterator[tuple[float, Tally]]:
        """(since, counts) of the last step, the last four …, as far as there are as many."""
        recent = list(self.steps)
        total, taken = Tally(), 0
        for scale in SCALES:
            if scale > len(recent) and taken == len(recent):
                return
            upto = min(scale, len(recent))
            for step in recent[len(recent) - upto : len(recent) - taken]:
                total.add(step.tally)
            taken = upto
            yield recent[-taken].since, Tally.summed([total])

    def to_json(self) -> dict[str, Any]:
        return {
            "steps": [[step.since, step.until, step.tally.to_json()] for step in self.steps],
            "slots": [[slot, tally.to_json()] for slot, tally in self.slots.items()],
            "slot_seconds": self._slot_seconds,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> History:
        result = cls()
        result.steps.extend(Step(since, until, Tally.from_json(tally)) for since, until, tally in state["steps"])
        result.slots = {int(slot): Tally.from_json(tally) for slot, tally in state["slots"]}
        result._slot_seconds = float(state["slot_seconds"])
        return result
