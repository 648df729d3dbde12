"""The dashboard in Debian's chromium, headless: one browser, one dashboard with an incident and one with nothing, for all the tests here."""

from __future__ import annotations

import runpy
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def shots():
    """The tools of screenshots.py."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver (apt-get install chromium chromium-driver)")
    return SimpleNamespace(**runpy.run_path(str(HERE / "screenshots.py")))


@pytest.fixture(scope="session")
def incident():
    """The invented incident: half an hour of traffic, drift at its end."""
    return SimpleNamespace(**runpy.run_path(str(HERE.parent / "unit" / "dashboard" / "incident.py")))


@pytest.fixture(scope="session")
def full(shots, incident):
    """(store, url) of a dashboard with everything in it, refreshed every second."""
    from neural.monitoring.dashboard import build_dashboard
    from neural.monitoring.signal import Signal
    from neural.monitoring.store import MemoryStore

    store = MemoryStore()
    incident.fill(store, time.time())
    store.write_signals([Signal("requests.rate", 1.0, time.time() - 1500, {"model": "second", "version": "b"})])
    with shots.serving(build_dashboard(store, refresh_seconds=1)) as url:
        yield store, url
    store.close()


@pytest.fixture(scope="session")
def bare(shots):
    """The url of a dashboard over a store in which nothing has been written."""
    from neural.monitoring.dashboard import build_dashboard
    from neural.monitoring.store import MemoryStore

    store = MemoryStore()
    with shots.serving(build_dashboard(store)) as url:
        yield url
    store.close()


@pytest.fixture(scope="session")
def chromium(shots):
    with shots.browser() as driver:
        yield driver


@pytest.fixture
def driver(chromium, shots):
    """The browser with an empty console and the normal size, so that tests don't meet each other's leavings."""
    chromium.get("about:blank")
    chromium.get_log("browser")
    shots._resize(chromium, 1280, 900)
    return chromium
