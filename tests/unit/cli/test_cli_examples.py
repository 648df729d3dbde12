"""Every example in a ``--help`` is run as it stands: its files written beforehand, its pipe and its redirection followed.

What would serve until Ctrl-C, or send to another machine, is held at the last step; all before it is real.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import httpx
import numpy as np
import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from neural.monitoring.api import api_routes
from neural.monitoring.cli.entry import monitor
from neural.monitoring.ingest.labels import read_labels
from neural.monitoring.store import AlertRow, open_store

CONFIG = """\
model: {name: fraud, version: "3"}
slos: [{name: fast, type: latency, threshold: 100ms, target: 99%, window: 28d}]
channels: {slack: {webhook: "https://hooks.slack.com/services/T/B/x"}}
store: {path: monitoring_data}
"""
STATISTICS = {
    "version": 0.0,
    "dataset": {"item_count": 100},
    "features": [
        {
            "name": "age",
            "inferred_type": "Fractional",
            "numerical_statistics": {
                "common": {"num_present": 100, "num_missing": 0},
                "mean": 40.0,
                "sum": 4000.0,
                "std_dev": 5.0,
                "min": 20.0,
                "max": 60.0,
                "distribution": {
                    "kll": {"buckets": [{"lower_bound": 20.0, "upper_bound": 40.0, "count": 50.0},
                                        {"lower_bound": 40.0, "upper_bound": 60.0, "count": 50.0}]}
                },
            },
        }
    ],
}  # fmt: skip
CONSTRAINTS = {"version": 0.0, "features": [{"name": "age", "inferred_type": "Fractional", "completeness": 1.0}]}
SHELL = re.compile(r"\s*(\|\||&&|>>|>|\|)\s*")
UNTOLD = {"curl": "a client of the server that tests/spec/test_cli.py starts"}


def examples(command: click.Command = monitor) -> Iterator[str]:
    """The example lines of a command and all below it."""
    for line in (command.epilog or "").splitlines():
        if line.startswith("  ") and not line.lstrip().startswith(("livenessProbe", *UNTOLD)):
            yield re.sub(r"(?<=\S) {4,}\S.*$", "", line.strip())  # a remark stands apart
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from examples(below)


EXAMPLES = list(dict.fromkeys(examples()))


def test_every_command_has_an_example_somewhere():
    used = {shlex.split(match)[2] for line in EXAMPLES for match in re.findall(r"neural monitor [^)|]*", line)}
    assert used == set(monitor.list_commands(click.Context(monitor)))
    assert len(EXAMPLES) > 45


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with every file that an example names; copied for each."""
    from neural.monitoring.records import Column, Kind, RecordBatch

    folder = tmp_path_factory.mktemp("examples")
    frame = pd.DataFrame({"age": np.random.default_rng(0).normal(40.0, 5.0, 200), "carrier": ["AA", "UA"] * 100})
    for name in ("january", "training-sample"):
        frame.to_parquet(folder / f"{name}.parquet")
    for name in ("neural-monitor", "new"):
        (folder / f"{name}.yaml").write_text(CONFIG)
    (folder / "statistics.json").write_text(json.dumps(STATISTICS))
    (folder / "constraints.json").write_text(json.dumps(CONSTRAINTS))
    (folder / "outcomes.csv").write_text("id,label\np1,1\n")
    (folder / "outcomes.jsonl").write_text('{"id": "p1", "label": 1}\n')
    (folder / "monitoring_data").mkdir()
    (folder / "monitoring_data" / "neural-monitor.yaml").write_text(CONFIG.replace("monitoring_data", "."))
    _log(folder / "monitoring_data" / "predictions", RecordBatch, Column, Kind)
    return folder


def _log(folder, batch, column, kind):
    from neural.monitoring.clock import ManualClock
    from neural.monitoring.predictions import PredictionLog
    from neural.monitoring.windows import columns_from

    now = time.time() - 7200.0
    log = PredictionLog(folder, clock=ManualClock(now))
    predictions = column("@prediction", kind.CATEGORICAL, np.array(["late"] * 20, dtype=object), np.zeros(20, dtype=bool))
    features = columns_from({"age": [float(i) for i in range(20)], "carrier": ["AA"] * 20})
    log.append(batch(model="fraud", version="3", times=now - 60.0 + np.arange(20.0), row_ids=[f"r{i}" for i in range(20)],
                     features=features, predictions=predictions, latency_seconds=np.full(20, 0.02)))  # fmt: skip
    log.roll(now + 3700.0)
    log.close()


@pytest.fixture
def here(prepared, tmp_path, fill_store, monkeypatch):
    """The working directory of an example; what is beyond this machine is held, and told in ``held``."""
    folder = shutil.copytree(prepared, tmp_path / "here")
    monkeypatch.chdir(folder)
    store = open_store(folder / "monitoring_data")
    fill_store(store, time.time())
    held: list[str] = []

    def hold(name: str, result: object = 0) -> None:
        def stop(*arguments, **options):
            if announce := options.get("announce"):
                announce()
            held.append(name)
            return result

        monkeypatch.setattr(name, stop)

    for name in ("neural.monitoring.app.run.run_sidecar", "neural.monitoring.demo.run_demo",
                 "neural.monitoring.dashboard.serve_dashboard", "neural.monitoring.export.serve_stored_metrics"):  # fmt: skip
        hold(name)
    hold("neural.monitoring.cli.channel_test.send_test", {"delivered": True, "message": "slack: delivered"})
    _sidecar_over(store, monkeypatch)
    yield SimpleNamespace(folder=folder, store=store, held=held, hold=hold)
    store.close()


class InProcess(httpx.BaseTransport):
    """Requests answered by an application in this process."""

    def __init__(self, app):
        self.app = httpx.ASGITransport(app, client=("127.0.0.1", 4711))

    def handle_request(self, request):
        async def ask():
            reply = await self.app.handle_async_request(
                httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
            )
            return httpx.Response(
                reply.status_code, content=await reply.aread(), headers={"content-type": reply.headers["content-type"]}
            )

        return asyncio.run(ask())


def _sidecar_over(store, monkeypatch):
    """Whatever URL is asked, the API over this store answers, and labels are read as the sidecar reads them."""
    from neural.monitoring.cli.source import SidecarSource

    async def labels(request):
        read_labels(await request.body(), now=time.time())
        return JSONResponse({})

    routes = [Route("/v1/labels", labels, methods=["POST"]), *api_routes(store, writer=store)]

    def connect(self, url, token=""):
        self.missing, self._url = "", url
        self.client = httpx.Client(transport=InProcess(Starlette(routes=routes)), base_url="http://localhost:8052")

    monkeypatch.setattr(SidecarSource, "__init__", connect)


def _looked_up(document, path):
    """What ``jq path`` would print."""
    for key in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        document = document[key[0]] if key[0] else document[int(key[1])]
    return document


def _follow(said, operator, rest, folder):
    """The rest of a shell line: into a file, a pipe to jq, another command."""
    if operator in {">", ">>"}:
        target = folder / Path(SHELL.split(rest)[0].replace("~/", "home/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(said.out)
        assert said.out.strip(), "an empty file"
    elif operator == "|":
        assert rest.startswith("jq ")
        _looked_up(said.json, shlex.split(rest)[1])
    else:
        assert operator == "||"
    if "promtool" in rest and shutil.which("promtool"):
        done = subprocess.run(rest.split("&& ")[1].split(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", EXAMPLES)
@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis calls DuckDB by an older name
def test_an_example_runs_as_it_stands(line, here, neural, monkeypatch):
    if "init" in line:
        (here.folder / "monitoring_data" / "neural-monitor.yaml").unlink()
    if " ack " in line:
        now = time.time()
        here.store.put_alert(AlertRow("d1", "f", "Data drift", "warning", "firing", "Data drift", "age moved", "drift.score", now - 60.0,
                                      fired_at=now - 30.0, updated_at=now))  # fmt: skip
    if "slo import" in line:
        (here.folder / "slos.yaml").write_text(neural("slo", "export", "--config", "neural-monitor.yaml").out)
    if "--config /etc" in line:
        monkeypatch.setattr("neural.monitoring.cli.commands.run.load_configuration", lambda *_, **__: None)
    if "s3://" in line:
        here.hold("neural.monitoring.views.past.analyze_past", {"status": "no_data", "message": "", "drift": None})
    if "--watch" in line:
        monkeypatch.setattr("time.sleep", lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt))
    asked = re.search(r"\$\((.*)\)", line)
    command, *more = SHELL.split(asked[1] if asked else line, maxsplit=1)
    arguments = shlex.split(command)
    assert arguments[:2] == ["neural", "monitor"]
    said = neural(*arguments[2:])
    assert said.code == 0, said.err
    assert said.out.strip() or said.err.strip() or here.held, "it printed nothing"
    assert "Traceback" not in said.err
    if more:
        _follow(said, more[0], more[1], here.folder)
