"""Checkpoints: everything derived, and the journal position up to which it was derived, in one transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
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
            "parts": {name: part.snapshot for name, part in self.parts.items()},  # one after the other: some are megabytes
        }
        data = dumped(state)
        with self.store.transaction():
            self.store.put_blob(_KIND, "engine", data, time=now)
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


def dumped(value: Any, depth: int = 8) -> bytes:
    """``json.dumps``, in pieces; what can be called stands for what it returns.

    In one piece it holds the interpreter for as long as it takes, and nothing is acknowledged meanwhile.
    """
    pieces: list[bytes] = []
    _dump(value, pieces.append, depth)
    return b"".join(pieces)  # once: a level at a time, each would hold all of it again


def _dump(value: Any, put: Callable[[bytes], None], depth: int) -> None:
    if callable(value):
        value = value()
    if depth and type(value) is dict and value and all(type(key) is str for key in value):
        for mark, (key, inner) in zip(chain((b"{",), repeat(b", ")), value.items(), strict=False):
            put(mark + json.dumps(key).encode() + b": ")
            _dump(inner, put, depth - 1)
        put(b"}")
    elif depth and type(value) is list and len(value) <= _SHORT and {dict, list} & set(map(type, value)):
        for mark, inner in zip(chain((b"[",), repeat(b", ")), value, strict=False):
            put(mark)
            _dump(inner, put, depth - 1)
        put(b"]")
    else:
        put(json.dumps(value).encode())
