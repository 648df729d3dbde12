"""``neural monitor prometheus``: the same page, over a state folder, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.export.budget import Budget
from neural.monitoring.export.collector import SidecarMetrics
from neural.monitoring.export.server import MetricsServer
from neural.monitoring.export.totals import STORED_AS, TrafficTotals
from neural.monitoring.store import Store, open_store
from neural.monitoring.views import Snapshot, SnapshotBoard


class StoredMetrics:
    """Reads the store at every scrape, so that a running sidecar's news are seen."""

    def __init__(self, store: Store, clock: Clock = system_clock) -> None:
        self._store, self._clock = store, clock
        self._budget = Budget()

    def page(self, accept: str = "") -> tuple[str, bytes]:
        """(content type, body) for an Accept header."""
        board = SnapshotBoard(Snapshot.from_store(self._store, self._clock()))
        totals = TrafficTotals()
        stored: Mapping[str, Any] | None = self._store.value(STORED_AS)
        if stored:
            totals.restore(stored)
        return SidecarMetrics(board, totals, budget=self._budget).scrape(accept)


def stored_metrics_server(storage_path: Path | str, port: int = 9090, host: str = "127.0.0.1") -> MetricsServer:
    """A started server over a state folder. Raises StoreError when there is none, NeuralError when the port is taken."""
    store = open_store(Path(storage_path), read_only=True)
    return MetricsServer(StoredMetrics(store).page, host=host, port=port).start()


def serve_stored_metrics(
    storage_path: Path | str,
    port: int = 9090,
    host: str = "127.0.0.1",
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serve until interrupted; ``announce`` is called once the port is ours. Raises as ``stored_metrics_server``."""
    server = stored_metrics_server(storage_path, port, host)
    try:
        announce()
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
