"""Checkpoints: everything derived, and the journal position up to which it was derived, in one transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from neural.monitoring.engine.ports import PredictionSink
from neural.monitoring.store import Store
from neural.monitoring.windows import PaneStore, Stateful

log = logging.getLogger(__name__)
_KIND = "checkpoint"
FORMAT = 1
_SHORT = 1_024  # items of a list that are written one by one


@dataclass(slots=True)
class Checkpointer:
    """``parts`` are the stateful rooms by name; a part that is new since the checkpoint starts fresh."""

    store: Store
    panes: PaneStore
    parts: Mapping[str, Stateful]
    predictions: PredictionSink | None

    def save(self, position: Any, now: float) -> None:
        """Write the state derived from all entries before ``position`` (and including it)."""
        state = {
            "format": FORMAT,
            "position": position,
            "predictions": dict(self.predictions.checkpoint()) if self.predictions else None,
            "parts": {name: part.snapshot() for name, part in self.parts.items()},
        }
        with self.store.transaction():
            self.store.put_blob(_KIND, "engine", dumped(state).encode(), time=now)
            self.store.put_blob(_KIND, "panes", self.panes.snapshot(), time=now)

    def load(self) -> Any:
        """Restore the last checkpoint and return its journal position; None when there is none or it can't be used."""
        raw = self.store.blob(_KIND, "engine")
        if raw is None:
            if self.predictions is not None:
                self._restore("predictions", partial(self.predictions.restore, {}))  # the journal brings all rows again
            return None
        state = json.loads(raw)
        if state.get("format") != FORMAT:
            log.warning("the checkpoint has format %r, not %d: state is rebuilt from the journal", state.get("format"), FORMAT)
            return None
        self._restore("panes", lambda: self.panes.restore(self.store.blob(_KIND, "panes") or b""))
        for name, part in self.parts.items():
            if name in state["parts"]:
                self._restore(name, partial(part.restore, state["parts"][name]))
        if self.predictions is not None and state["predictions"] is not None:
            self._restore("predictions", partial(self.predictions.restore, state["predictions"]))
        return state["position"]

    @staticmethod
    def _restore(name: str, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            log.exception("the saved state of %s can't be used; it starts fresh", name)


def dumped(value: Any, depth: int = 8) -> str:
    """``json.dumps``, in pieces. In one piece it holds the interpreter for as long as it takes, and nothing is acknowledged meanwhile."""
    if depth and type(value) is dict and all(type(key) is str for key in value):
        return "{" + ", ".join([f"{json.dumps(key)}: {dumped(inner, depth - 1)}" for key, inner in value.items()]) + "}"
    if depth and type(value) is list and len(value) <= _SHORT and {dict, list} & set(map(type, value)):
        return "[" + ", ".join([dumped(inner, depth - 1) for inner in value]) + "]"
    return json.dumps(value)
