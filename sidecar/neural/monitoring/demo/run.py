"""``neural monitor demo``: the main job on real flights, told as it happens and judged at the end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neural.monitoring.demo.client import MAX_ROWS_PER_SECOND, ROWS_PER_REQUEST, Client
from neural.monitoring.demo.data import Flights, load_flights, split_flights
from neural.monitoring.demo.feed import Feed
from neural.monitoring.demo.judge import false_alarms, judge
from neural.monitoring.demo.narrator import Narrator
from neural.monitoring.demo.options import MINIMUM_SECONDS, DemoOptions
from neural.monitoring.demo.plan import timetable
from neural.monitoring.demo.result import DemoResult
from neural.monitoring.demo.season import season_report
from neural.monitoring.demo.stage import Stage, set_stage
from neural.monitoring.demo.summary import summarise
from neural.monitoring.errors import NeuralError
from neural.monitoring.views import slos

_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 2.0
"""Two evaluations: an alert that fires this long after an incident's end still counts as noticing it."""
_SETTLE_TIMEOUT_SECONDS = 15.0
_SEASON_ROWS_PER_REQUEST = 200
_KILL_AT, _RESTART_AT = 0.45, 0.50
"""With ``kill_sidecar``: shares of the story between which there is no sidecar."""


def run_demo(options: DemoOptions) -> int:
    """Play the story. Returns 0 when everything was noticed, nothing fired without a cause and the ledger adds up; else 1."""
    if options.seconds < MINIMUM_SECONDS:
        raise NeuralError(f"--seconds {options.seconds:g}: the story needs at least {MINIMUM_SECONDS:g}")
    folder = options.folder or Path(tempfile.mkdtemp(prefix="neural-demo-"))
    narrator = Narrator(quiet=options.output == "json")
    stage = set_stage(options, folder)
    signal.signal(signal.SIGTERM, _leave)
    try:
        result = _play(options, stage, narrator)
        _print(result, options, narrator)
        if options.keep:
            _keep(stage, narrator)
    finally:
        stage.stop()
    return 0 if _went_well(result, options) else 1


def _leave(*_: object) -> None:
    """SIGTERM ends the children too, by way of ``finally``."""
    sys.exit(128 + signal.SIGTERM)


def _play(options: DemoOptions, stage: Stage, narrator: Narrator) -> DemoResult:
    narrator.say("Training the model on winter flights and starting the model server and the sidecar …")
    stage.server.start()
    split = split_flights(load_flights(), options.seed)
    stage.server.wait_until(stage.server_ready)
    stage.start_sidecar()
    flights = split.season if options.season else split.traffic
    client = _client(options, stage, flights)
    narrator.say(f"Sending {client.total_rows:,} flights in {options.seconds:g} s. Dashboard: {stage.urls['dashboard']}")
    asyncio.run(_perform(client, stage, narrator, kill=options.kill_sidecar))
    _settle(stage, client)
    return _result(options, stage, client, flights)


def _client(options: DemoOptions, stage: Stage, flights: Flights) -> Client:
    incidents = options.incidents and not options.season
    rows = len(flights) if options.season else min(len(flights), int(MAX_ROWS_PER_SECOND * options.seconds))
    return Client(
        feed=Feed(flights, options.seed),
        total_rows=rows,
        seconds=options.seconds,
        acts=timetable(incidents=incidents),
        server_url=stage.server_url,
        socket_path=stage.socket_path,
        seed=options.seed,
        rows_per_request=_SEASON_ROWS_PER_REQUEST if options.season else ROWS_PER_REQUEST,
    )


async def _perform(client: Client, stage: Stage, narrator: Narrator, *, kill: bool) -> None:
    """Run the client, and meanwhile look at what the sidecar stores."""
    narrator.begin(client.total_rows)
    work = asyncio.create_task(client.run())
    switch = asyncio.create_task(_interrupt(client, stage, narrator)) if kill else None
    while not work.done():
        await asyncio.wait([work], timeout=_LOOK_SECONDS)
        narrator.tell(client.traffic.rows, client.episodes, client.started_at, stage.alerts())
    if switch is not None:
        await switch
    narrator.end()
    await work


async def _interrupt(client: Client, stage: Stage, narrator: Narrator) -> None:
    """Kill the sidecar without warning in the middle of the story, and start it again."""
    await asyncio.sleep(client.seconds * _KILL_AT)
    stage.sidecar.kill()
    narrator.say(f"[{client.seconds * _KILL_AT:5.1f} s] the sidecar is killed (SIGKILL)", "bold")
    await asyncio.sleep(client.seconds * (_RESTART_AT - _KILL_AT))
    await asyncio.to_thread(stage.start_sidecar)
    narrator.say(f"[{time.time() - client.started_at:5.1f} s] the sidecar is back", "bold")


def _settle(stage: Stage, client: Client) -> None:
    """Wait until the sidecar has heard of every request, and of its end."""
    deadline = time.monotonic() + _SETTLE_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        ledger = stage.ledger()
        if ledger.seen >= client.traffic.requests - client.traffic.unanswered.total() and ledger.in_flight == 0:
            return
        time.sleep(_LOOK_SECONDS)


def _result(options: DemoOptions, stage: Stage, client: Client, flights: Flights) -> DemoResult:
    alerts, capture, traffic = stage.alerts(), stage.capture(), client.traffic
    return DemoResult(
        requests=traffic.requests,
        rows=traffic.rows,
        rows_decoded=int(capture.get("counters", {}).get("rows", 0)),
        ledger=stage.ledger(),
        detections=judge(client.episodes, alerts, traffic, _GRACE_SECONDS),
        false_alarms=0 if options.season else len(false_alarms(client.episodes, alerts)),
        alerts=[
            {
                "rule": row.rule,
                "severity": row.severity,
                "state": row.state,
                "title": row.title,
                "message": row.message,
                "fired_seconds": round((row.fired_at or 0.0) - client.started_at, 3),
            }
            for row in alerts
        ],
        slo=_slo(stage),
        overhead_us_p50=capture.get("overhead_us_p50"),
        urls=stage.urls,
        storage_path=str(stage.storage_path),
        seconds=options.seconds,
        server_failures=traffic.failed,
        unanswered=dict(traffic.unanswered),
        labels=traffic.labels_sent,
        season=season_report(alerts, client, flights) if options.season else [],
    )


def _slo(stage: Stage) -> Mapping[str, Any]:
    return {} if stage.store is None else slos(stage.store, now=time.time(), name=None)


def _print(result: DemoResult, options: DemoOptions, narrator: Narrator) -> None:
    if options.output == "json":
        sys.stdout.write(json.dumps(result.to_dict(), indent=2) + "\n")
        sys.stdout.flush()
    else:
        summarise(result, options, narrator.say)


def _keep(stage: Stage, narrator: Narrator) -> None:
    narrator.say("\nServer and sidecar go on until Ctrl-C.")
    try:
        while stage.sidecar.running and stage.server.running:
            time.sleep(1)
    except KeyboardInterrupt:
        narrator.say("Stopping.")


def _went_well(result: DemoResult, options: DemoOptions) -> bool:
    if options.season:
        return result.balanced
    return result.balanced and result.false_alarms == 0 and all(one.detected for one in result.detections)
