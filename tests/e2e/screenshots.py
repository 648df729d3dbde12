"""Pictures of the dashboard for README and for a look at every page: `python tests/e2e/screenshots.py [folder] [--all] [--url URL]`.

Without --url it runs the demo up to its first incident and shows what the sidecar has stored by then (--invented: the invented incident of
tests/unit/dashboard/incident.py, in seconds). Needs Debian's chromium and chromium-driver.
"""

from __future__ import annotations

import argparse
import runpy
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

HERE = Path(__file__).resolve().parent
PAGES = ("overview", "drift", "quality", "performance", "slo", "alerts", "capture")
CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip
SIZES = {"wide": 1280, "phone": 390}
SECONDS_INTO_THE_INCIDENT = 4.0
MAX_HEIGHT = 4000


@contextmanager
def demo_server():
    """The dashboard over the state of a real demo, copied in its first incident; yields its URL and the moment (Unix seconds)."""
    from neural.monitoring.dashboard import build_dashboard
    from neural.monitoring.store import open_store

    with tempfile.TemporaryDirectory(prefix="neural-shots-") as folder:
        command = [sys.executable, "-m", "neural.monitoring.cli", "demo", "--seconds", "60", "--port", "0", "--folder", folder]
        demo = subprocess.Popen(command)
        try:
            _copy_in_the_incident(Path(folder) / "state", Path(folder) / "copy", demo)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)
        store = open_store(Path(folder) / "copy", read_only=True)
        try:
            newest = max(one.time for one in store.latest_signals(["requests.rate"]))
            with serving(build_dashboard(store)) as url:
                yield url, newest + 1.0
        finally:
            store.close()


def _copy_in_the_incident(state, copy, demo):
    """The state file as it is a few seconds after drift was told."""
    from neural.monitoring.errors import StoreError
    from neural.monitoring.store import STATE_FILE, open_store

    fired = None
    while fired is None or time.time() < fired + SECONDS_INTO_THE_INCIDENT:
        assert demo.poll() is None, "the demo ended without drift"
        time.sleep(0.2)
        if fired is None and (state / STATE_FILE).is_file():
            with (
                suppress(StoreError),
                closing(open_store(state, read_only=True)) as store,
            ):  # the file may be there before its tables
                fired = min((row.fired_at for row in store.alerts() if row.rule == "Data drift" and row.fired_at), default=None)
    copy.mkdir()
    with closing(sqlite3.connect(state / STATE_FILE)) as source, closing(sqlite3.connect(copy / STATE_FILE)) as target:
        source.backup(target)


@contextmanager
def sample_server():
    """The dashboard over the invented incident, on a free port; yields its URL."""
    from neural.monitoring.dashboard import build_dashboard
    from neural.monitoring.store import MemoryStore

    store = MemoryStore()
    runpy.run_path(str(HERE.parent / "unit" / "dashboard" / "incident.py"))["fill"](store, time.time(), hostile=False)
    with serving(build_dashboard(store)) as url:
        yield url


@contextmanager
def serving(app):
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def browser(width=1280, height=900):
    options = Options()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--window-size={width},{height}", f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            # The window may not be made narrower than 500 px, the page's own metrics may.
            _resize(driver, width, height)
            yield driver
        finally:
            driver.quit()


def _resize(driver, width, height):
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def wait_until_drawn(driver, timeout_seconds=30):
    """Until the page has been rendered and every figure on it holds a drawing."""
    drawn = (
        "return Boolean(document.documentElement.dataset.rendered) && !document.querySelector('.bone') && "
        "[...document.querySelectorAll('.graph')].every(g => g.querySelector('.main-svg'))"
    )
    WebDriverWait(driver, timeout_seconds, poll_frequency=0.1).until(lambda d: d.execute_script(drawn))


def take(driver, url, theme, width, path):
    driver.get(url)
    driver.execute_script(
        "localStorage.setItem('neural-theme', arguments[0]); document.documentElement.dataset.theme = arguments[0]", theme
    )
    wait_until_drawn(driver)
    height = driver.execute_script("return document.documentElement.scrollHeight")
    _resize(driver, width, min(max(height, 700), MAX_HEIGHT))
    WebDriverWait(driver, 10).until(
        lambda d: d.execute_script("return new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))")
    )
    path.write_bytes(__import__("base64").b64decode(driver.get_screenshot_as_base64()))
    _resize(driver, width, 900)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE.parent.parent / "docs" / "images")
    parser.add_argument("--all", action="store_true", help="every page, light and dark, wide and phone")
    parser.add_argument("--pages", nargs="*", default=PAGES)
    parser.add_argument("--url", help="a running dashboard")
    parser.add_argument("--invented", action="store_true", help="an invented incident instead of the demo")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.url:
        shoot(chosen.url.rstrip("/"), chosen)
    elif chosen.invented:
        with sample_server() as url:
            shoot(url, chosen)
    else:
        with demo_server() as (url, moment):
            shoot(url, chosen, f"?until={moment:.0f}&range=auto")


def shoot(url, chosen, query=""):
    for size, width in SIZES.items():
        with browser(width) as driver:
            for page in chosen.pages:
                for theme in ("light", "dark"):
                    if chosen.all or (theme == "light" and size == "wide") or page == "overview":
                        path = (
                            chosen.folder
                            / f"dashboard-{page}{'' if size == 'wide' else '-phone'}{'' if theme == 'light' else '-dark'}.png"
                        )
                        take(driver, f"{url}/{'' if page == 'overview' else page}{query}", theme, width, path)
                        print(path)
            for entry in driver.get_log("browser"):
                print("console:", entry["level"], entry["message"])


if __name__ == "__main__":
    main()
