"""The dashboard over a folder, as what the browser gets to draw (the browser tests click through the same)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neural.monitoring.dashboard.layout import shell
from neural.monitoring.dashboard.rendering import Renderer
from neural.monitoring.store import open_store


class DashboardPages:
    def __init__(self, folder: Path) -> None:
        self._store = open_store(folder, read_only=True)
        self._renderer = Renderer(self._store, None, prefix="/", clock=time.time, refresh_seconds=5.0)

    def __enter__(self) -> DashboardPages:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def _parts(self, page: str) -> Iterator[Any]:
        rendered = self._renderer.render("/" if page == "overview" else f"/{page}", "")
        assert rendered.live  # the page refreshes itself
        return _walk(rendered.slots["page"])

    def graphs(self, page: str) -> list[Any]:
        """Graphs with at least one trace that has data."""
        found = [part for part in self._parts(page) if type(part).__name__ == "Graph"]
        return [graph for graph in found if graph.figure["data"]]

    def text(self, page: str) -> str:
        return " ".join(part for part in self._parts(page) if isinstance(part, str))

    def has_interval(self) -> bool:
        return any(type(part).__name__ == "Interval" and part.interval == 5000 for part in _walk(_shell()))


def _shell() -> Any:
    return shell(5.0)


def _walk(part: Any) -> Iterator[Any]:
    if isinstance(part, list | tuple):
        for one in part:
            yield from _walk(one)
    elif part is not None:
        yield part
        yield from _walk(getattr(part, "children", None))
