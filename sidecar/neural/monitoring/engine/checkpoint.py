"""Checkpoints: everything derived, and the journal position up to which it was derived, in one transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Any

from neural.monitoring.engine.ports import PredictionSink
from neural.monitoring.store import Store
from neural.monitoring.windows import PaneStore, Stateful

log = logging.getLogger(__name__)
_KIND = "checkpoint"
_HEAD, _PANES = "engine", "panes"
FORMAT = 2
"""1 held all in one blob, which is read still."""
PIECE_BYTES = 512 << 10
"""The state is written in pieces of about this size: SQLite holds what it is given twice more before it is on the disk."""
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
        with self.store.transaction():
            pieces = 0
            for piece in dumped(state):
                self.store.put_blob(_KIND, _piece(pieces), piece, time=now)
                pieces += 1
            self.store.put_blob(_KIND, _HEAD, json.dumps({"format": FORMAT, "pieces": pieces}).encode(), time=now)
            self.store.put_blob(_KIND, _PANES, self.panes.snapshot(), time=now)
            self.store.delete_blobs(_KIND, before=now)  # pieces of a longer one

    def load(self) -> Any:
        """Restore the last checkpoint and return its journal position; None when there is none or it can't be used."""
        head = self.store.blob(_KIND, _HEAD)
        state = None if head is None else self._state(json.loads(head))
        if state is None:
            if self.predictions is not None and head is None:
                self._restore("predictions", partial(self.predictions.restore, {}))  # the journal brings all rows again
            return None
        self._restore("panes", lambda: self.panes.restore(self.store.blob(_KIND, _PANES) or b""))
        for name, part in self.parts.items():
            if name in state["parts"]:
                self._restore(name, partial(part.restore, state["parts"][name]))
        if self.predictions is not None and state["predictions"] is not None:
            self._restore("predictions", partial(self.predictions.restore, state["predictions"]))
        return state["position"]

    def _state(self, head: Any) -> Any:
        """All that was saved; None when it can't be used."""
        if head.get("format") == 1:
            return head
        if head.get("format") != FORMAT:
            log.warning("the checkpoint has format %r, not %d: state is rebuilt from the journal", head.get("format"), FORMAT)
            return None
        return json.loads(b"".join(self.store.blob(_KIND, _piece(number)) or b"" for number in range(head["pieces"])))

    @staticmethod
    def _restore(name: str, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            log.exception("the saved state of %s can't be used; it starts fresh", name)


def _piece(number: int) -> str:
    return f"{_HEAD}.{number}"


def dumped(value: Any, depth: int = 8, size: int = PIECE_BYTES) -> Iterator[bytes]:
    """``json.dumps``, in pieces of about ``size`` bytes; what can be called stands for what it returns.

    In one piece it holds the interpreter for as long as it takes, and nothing is acknowledged meanwhile.
    """
    held: list[bytes] = []
    length = 0
    for part in _dump(value, depth):
        held.append(part)
        length += len(part)
        if length >= size:
            yield b"".join(held)
            held, length = [], 0
    yield b"".join(held)


def _dump(value: Any, depth: int) -> Iterator[bytes]:
    if callable(value):
        value = value()
    if depth and type(value) is dict and value and all(type(key) is str for key in value):
        for mark, (key, inner) in zip(chain((b"{",), repeat(b", ")), value.items(), strict=False):
            yield mark + json.dumps(key).encode() + b": "
            yield from _dump(inner, depth - 1)
        yield b"}"
    elif depth and type(value) is list and len(value) <= _SHORT and {dict, list} & set(map(type, value)):
        for mark, inner in zip(chain((b"[",), repeat(b", ")), value, strict=False):
            yield mark
            yield from _dump(inner, depth - 1)
        yield b"]"
    else:
        yield json.dumps(value).encode()
