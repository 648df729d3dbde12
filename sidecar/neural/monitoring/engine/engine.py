"""The engine thread: takes journal entries in order, and owns all domain state, so that no room needs a lock."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neural.monitoring.clock import Clock
from neural.monitoring.engine.checkpoint import Checkpointer
from neural.monitoring.engine.entry_clock import EntryClock
from neural.monitoring.engine.evaluator import Evaluator
from neural.monitoring.engine.ports import TICK, Entry, Inlet, JournalReader
from neural.monitoring.engine.processing import Processor
from neural.monitoring.signal import Signal
from neural.monitoring.windows import PaneStore

log = logging.getLogger(__name__)
FIRST_EVALUATION_SECONDS = 5.0
"""After the first request that a new state sees: who has just set it up looks whether anything arrives."""
_IDLE_SECONDS = 0.25
"""The longest the thread sleeps before it looks at the clock again."""
EARLY_FULLNESS = 0.5
"""Share of the journal's ceiling from which on a checkpoint does not wait for its time: only that makes room for more."""
EARLY_SECONDS = 1.0
"""Least time between two such checkpoints."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Times in seconds; ``queue_bytes`` bounds what waits in memory between ingest and the engine."""

    evaluate_every_seconds: float = 60.0
    checkpoint_every_seconds: float = 60.0
    queue_bytes: int = 4 * 2**20


class Engine:
    """``publish`` is called on the engine thread with the signals of every evaluation; ``upkeep`` at every checkpoint."""

    def __init__(
        self,
        settings: EngineSettings,
        clock: Clock,
        entry_clock: EntryClock,
        *,
        journal: JournalReader,
        processor: Processor,
        evaluator: Evaluator,
        checkpointer: Checkpointer,
        panes: PaneStore,
        publish: Callable[[Sequence[Signal], float], None],
        upkeep: Callable[[float], None],
    ) -> None:
        self._settings, self._clock, self._entry_clock, self._journal = settings, clock, entry_clock, journal
        self._processor, self._evaluator, self._checkpointer, self._panes = processor, evaluator, checkpointer, panes
        self._publish, self._upkeep = publish, upkeep
        self._inlet: Inlet | None = None
        self._queue: queue.SimpleQueue[Entry | Callable[[], object] | None] = queue.SimpleQueue()
        self._queued_bytes = 0
        self._bytes_lock = threading.Lock()
        self._position: object = None
        self._replayed = 0
        self._tick_queued = self._new = False
        self._next_tick = self._next_checkpoint = self._next_early = 0.0
        self._regular_tick = 0.0  # when the next is due all the same, after the early one of a new state
        self._thread = threading.Thread(target=self._run, name="neural-engine", daemon=True)

    # Called from other threads -------------------------------------------------

    def submit(self, entry: Entry) -> None:
        """Hand over an entry that has just been journalled. Never blocks: ``pressure`` is how ingest learns to slow down."""
        with self._bytes_lock:
            self._queued_bytes += len(entry.payload)
        self._queue.put(entry)

    def run(self, what: str, action: Callable[[], object]) -> None:
        """Have the engine thread do something between two entries; ``what`` names it in the log when it fails."""
        self._queue.put(lambda: self._guard(what, action))

    def pressure(self) -> float:
        """How full the queue is: 0 is empty, 1 is full."""
        return self._queued_bytes / self._settings.queue_bytes

    @property
    def backlog(self) -> int:
        return self._queue.qsize()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    # Life ----------------------------------------------------------------------

    def recover(self, after_restore: Callable[[], None]) -> int:
        """Restore the last checkpoint, call ``after_restore``, and replay the journal from there. Returns the number of entries replayed."""
        self._position = self._checkpointer.load()
        after_restore()
        for entry in self._journal.read_from(self._position):
            self._apply(entry, replay=True)
            self._replayed += 1
        return self._replayed

    def start(self, inlet: Inlet) -> None:
        """Begin: evaluations are asked for through the inlet, so that the journal holds them in their place among the data."""
        self._inlet = inlet
        now = self._clock()
        self._new = self._position is None
        self._next_tick = now + self._settings.evaluate_every_seconds
        # What was replayed is not replayed again, however soon the next kill comes: a sidecar that is killed over and over gets ahead.
        self._next_checkpoint = now + (0.0 if self._replayed else self._settings.checkpoint_every_seconds)
        self._thread.start()

    def stop(self, timeout_seconds: float) -> bool:
        """Process what is queued, evaluate once more, checkpoint, end. False when that took too long."""
        self._queue.put(None)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                entry = self._queue.get(timeout=self._wait_seconds())
            except queue.Empty:
                self._on_time()
                continue
            if entry is None:
                break
            if callable(entry):
                entry()
                continue
            with self._bytes_lock:
                self._queued_bytes -= len(entry.payload)
            self._apply(entry, replay=False)
            self._on_time()
        self._finish()

    def _wait_seconds(self) -> float:
        return min(_IDLE_SECONDS, max(0.0, self._next_tick - self._clock())) if not self._tick_queued else _IDLE_SECONDS

    def _on_time(self) -> None:
        now = self._clock()
        # A clock set back must not stop evaluations for as long as it was set back.
        self._next_tick = min(self._next_tick, now + self._settings.evaluate_every_seconds)
        if now >= self._next_tick and not self._tick_queued and self._inlet is not None:
            self._guard("asking for an evaluation", lambda: self._ask(now))
        self._next_checkpoint = min(self._next_checkpoint, now + self._settings.checkpoint_every_seconds)
        self._next_early = min(self._next_early, now + EARLY_SECONDS)
        if now >= self._next_checkpoint or (now >= self._next_early and self._journal.fullness >= EARLY_FULLNESS):
            self._next_checkpoint = now + self._settings.checkpoint_every_seconds
            self._next_early = now + EARLY_SECONDS
            self._save(now)

    def _ask(self, now: float) -> None:
        """For an evaluation. When the journal refuses it, it is asked for again when the next one is due."""
        self._next_tick = self._regular_tick if self._regular_tick > now else now + self._settings.evaluate_every_seconds
        if self._inlet is not None:
            self._inlet.append(TICK, json.dumps({"now": now}).encode())
            self._tick_queued = True

    def _save(self, now: float) -> None:
        self._guard("the checkpoint", lambda: self._checkpoint(now))
        self._guard("upkeep", lambda: self._upkeep(now))  # also when there was no checkpoint: it may be what makes room

    def _apply(self, entry: Entry, *, replay: bool) -> None:
        self._entry_clock.set(entry.received_at)
        if entry.kind == TICK:
            self._guard("the evaluation", lambda: self._evaluate(_due(entry), replay=replay, position=entry.position))
        else:
            self._processor.apply(entry, replay=replay)
            self._hurry()
        self._position = entry.position

    def _hurry(self) -> None:
        if self._new:
            self._new = False
            self._regular_tick = self._next_tick
            self._next_tick = min(self._next_tick, self._clock() + FIRST_EVALUATION_SECONDS)

    def _evaluate(self, now: float, *, replay: bool, position: object = None) -> None:
        self._tick_queued = False
        self._processor.settle()
        stored = replay and self._evaluator.was_stored(position)
        signals = self._evaluator.evaluate(now, backlog=self.backlog, replay=stored, position=position)
        self._panes.expire(now)
        self._processor.joiner.expire(now)
        if not replay:
            self._publish(signals, now)

    def _checkpoint(self, now: float) -> None:
        self._processor.settle()
        if self._position is not None:
            self._checkpointer.save(self._position, now)
            self._journal.truncate_before(self._position)

    def _finish(self) -> None:
        now = self._clock()
        self._entry_clock.set(now)
        self._guard("the last evaluation", lambda: self._evaluate(now, replay=False))
        self._save(now)

    def _guard(self, what: str, action: Callable[[], object]) -> None:
        """The engine outlives its mishaps: a full disk or a locked store is counted and said, and the thread goes on."""
        try:
            action()
        except Exception:
            self._processor.totals.counts["engine_errors"] += 1
            log.exception("%s failed; the engine goes on", what)


def _due(tick: Entry) -> float:
    return float(json.loads(tick.payload)["now"])
