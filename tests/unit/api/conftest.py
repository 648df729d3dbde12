from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from neural.monitoring.api import api_routes
from neural.monitoring.clock import ManualClock
from neural.monitoring.store import MemoryStore, SQLiteStore


@dataclass
class Served:
    store: SQLiteStore
    clock: ManualClock
    app: Starlette
    open_clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, host: str = "127.0.0.1", name: str = "localhost:8052") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True, client=(host, 4711))
        return httpx.AsyncClient(transport=transport, base_url=f"http://{name}")


@pytest.fixture
def serve(fill_store, now):
    """``serve(bad=True, token=…)``: the API over a filled store; ``.client()`` asks it."""
    stores = []

    def make(*, filled: bool = True, bad: bool = False, **how: Any) -> Served:
        store, clock = MemoryStore(), ManualClock(now)
        stores.append(store)
        if filled:
            fill_store(store, now, bad=bad)
        return Served(store, clock, Starlette(routes=api_routes(store, clock=clock, **{"writer": store, **how})))

    yield make
    for store in stores:
        store.close()


ServeFixture = Callable[..., Served]
