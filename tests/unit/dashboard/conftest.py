"""A store with the incident in it, and a few words to ask pages about themselves."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.dashboard.reading import Reader
from neural.monitoring.dashboard.rendering import Renderer
from neural.monitoring.dashboard.selection import Selection
from neural.monitoring.store import MemoryStore, open_store

NOW = 1_763_900_000.0


@pytest.fixture(scope="session")
def story():
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("incident.py"))))


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def empty_store():
    store = MemoryStore()
    yield store
    store.close()


@pytest.fixture(scope="session")
def store(story, tmp_path_factory):
    """Filled once and opened for reading: what one test wrote here, a test of another file would find. ``own_store`` takes writes."""
    yield from _filled(tmp_path_factory.mktemp("incident"), story)


@pytest.fixture(scope="session")
def calm_store(story, tmp_path_factory):
    yield from _filled(tmp_path_factory.mktemp("calm"), story, incident=False)


def _filled(folder, story, **how):
    writer = open_store(folder)
    story.fill(writer, NOW, **how)
    writer.close()
    reader = open_store(folder, read_only=True)
    yield reader
    reader.close()


@pytest.fixture
def own_store(story):
    filled = MemoryStore()
    story.fill(filled, NOW)
    yield filled
    filled.close()


@pytest.fixture
def read():
    """read(store, "/drift?feature=temp") → Reader."""

    def make(store, url="/", now=NOW):
        path, _, query = url.partition("?")
        return Reader(store, Selection.parse(path, query), now)

    return make


@pytest.fixture
def render():
    """render(store, "/drift?feature=temp") → Rendered."""

    def make(store, url="/", now=NOW):
        path, _, query = url.partition("?")
        return Renderer(store, prefix="/", clock=ManualClock(now), refresh_seconds=15).render(path, f"?{query}")

    return make


def walk(node):
    """Every component and text under a node."""
    if isinstance(node, list | tuple):
        for child in node:
            yield from walk(child)
    elif node is not None:
        yield node
        yield from walk(getattr(node, "children", None))


@pytest.fixture
def text_of():
    def join(node):
        return " ".join(str(part) for part in walk(node) if isinstance(part, str | int | float))

    return join


@pytest.fixture
def parts_of():
    """parts_of(node, "Graph") → components of that type."""

    def find(node, kind):
        return [part for part in walk(node) if type(part).__name__ == kind]

    return find
