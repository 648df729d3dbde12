"""A real Prometheus, for tests that ask one."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path(__file__).parents[2] / "config"
PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Prometheus:
    """A Prometheus of its own that scrapes the given ports of this machine."""

    def __init__(
        self, folder: Path, *targets: int, rules: Sequence[Path] | None = None, scrape_every: str = "1s", features: str = ""
    ) -> None:
        self.port = free_port()
        files = (
            rules if rules is not None else [CONFIG / "prometheus" / name for name in ("rules.yaml", "alerts.yaml", "fleet.yaml")]
        )
        config = {
            "global": {"scrape_interval": scrape_every, "evaluation_interval": "1s"},
            "rule_files": [str(file) for file in files],
            "scrape_configs": [
                {"job_name": "neural-sidecar", "static_configs": [{"targets": [f"127.0.0.1:{target}" for target in targets]}]}
            ],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        command = [
            str(PROMETHEUS), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error",
            *([f"--enable-feature={features}"] if features else []),
        ]  # fmt: skip
        self.process = subprocess.Popen(command, env={**os.environ, "GOMAXPROCS": "1"})

    def query(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        asked = {"query": expr} | ({"time": str(at)} if at is not None else {})
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode(asked)
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found

    def exemplars(self, query: str) -> list[dict[str, Any]]:
        """Every exemplar of the series, whenever it was."""
        asked = {"query": query, "start": "1600000000", "end": "1900000000"}
        url = f"http://127.0.0.1:{self.port}/api/v1/query_exemplars?" + urllib.parse.urlencode(asked)
        with urllib.request.urlopen(url, timeout=10) as answer:
            return [one for series in json.load(answer)["data"] for one in series["exemplars"]]

    def wait_for(self, expr: str, seconds: float = 60, source: subprocess.Popen[Any] | None = None) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert source is None or source.poll() is None, "what is scraped has ended"
            try:
                if self.query(expr):
                    return
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.2)  # Prometheus has no event to wait for
        raise AssertionError(f"no data for {expr} in {seconds} s")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)
