"""/health and /ready, for the kubelet."""

from __future__ import annotations

from dataclasses import dataclass

from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.problems import Problem
from neural.monitoring.clock import Clock
from neural.monitoring.store import Store
from neural.monitoring.views import SnapshotBoard, silence_limit_seconds

_READY_KEY = "sidecar"
LEAST_STALLED_SECONDS = 180.0
"""A kubelet that restarts a sidecar busy with a backlog makes the backlog longer: the probe waits longer than people do."""


@dataclass(frozen=True, slots=True)
class Probes:
    """Alive: the engine still evaluates. A model in trouble is no reason to restart the sidecar: that is what /api/v1/health says."""

    store: Store
    board: SnapshotBoard | None
    clock: Clock

    def alive(self, _: Call) -> Reply:
        snapshot = self.board.current() if self.board else None
        if snapshot is None:
            return Reply({"status": "alive", "last_evaluation": None})
        age = self.clock() - snapshot.time
        if age > max(LEAST_STALLED_SECONDS, silence_limit_seconds(self.store)):
            raise Problem(503, f"no evaluation for {age:.0f} s: the engine has stopped")
        return Reply({"status": "alive", "last_evaluation": snapshot.time})

    def ready(self, _: Call) -> Reply:
        """Ready: the state can be read (a store that can't be read answers 503)."""
        self.store.value(_READY_KEY)
        return Reply({"status": "ready"})


def probe_operations(store: Store, board: SnapshotBoard | None, clock: Clock) -> tuple[Operation, Operation]:
    """The operations of /health and /ready."""
    probes = Probes(store, board, clock)
    alive = Operation("alive", "Liveness", probes.alive, response={"$ref": "#/components/schemas/Alive"}, tag="probes")
    ready = Operation("ready", "Readiness", probes.ready, response={"$ref": "#/components/schemas/Ready"}, tag="probes")
    return alive, ready
