"""Plays a deployment: requests at their times, labels when they come out, an evaluation at every step of the data's clock."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.realdata.deployment import Deployment
from tests.realdata.sidecar import SidecarProcess

from neural.monitoring.store import Store, open_store
from neural.wire import CaptureBatch, CaptureEvent, Ledger, encode_batch

EVENTS_A_BATCH = 1_000
REQUEST_NS = 5_000_000
"""Every request is said to have taken 5 ms: the data knows nothing of latency."""
EVALUATION_SECONDS = 120.0
CONFIG = """# The sidecar of {name}, as its operator would write it; times are the data's.
model: {{name: {name}}}
capture: {{listen: "unix://{folder}/capture.sock"}}
features: {features}
reference: {{source: "{folder}/reference.parquet"}} # with the column `label`: the model's worth on it is the bar
windows: {{pane: {pane:.0f}s, length: {window:.0f}s, evaluate_every: {step:.0f}s}}
drift: {{false_alarms: 1 per 30d, ignore: {ignore}}}
performance: {{task: {task}, labels_within: {within:.0f}s, window: {labels_window:.0f}s}}
store: {{path: "{folder}/state", checkpoint_every: 365d, max_disk: 4GiB, keep: {{signals: 36500d, reports: 1d, alerts: 36500d}}}}
predictions: {{enabled: false}}
dashboard: {{enabled: false}}
export: {{prometheus: {{enabled: false}}}}
"""


@dataclass(frozen=True, slots=True)
class Played:
    """What was sent, and where the sidecar's state lies. ``seconds``: wall time it took."""

    folder: Path
    rows: int
    labels: int
    evaluations: int
    seconds: float

    def store(self) -> Store:
        return open_store(self.folder / "state", read_only=True)


def config_of(deployment: Deployment, folder: Path) -> str:
    kinds = {name: {"kind": "categorical" if name in deployment.categorical else "numeric"} for name in deployment.served}
    return CONFIG.format(
        name=deployment.name,
        folder=folder,
        features=json.dumps(kinds),
        pane=max(deployment.window / 24, 1.0),
        window=deployment.window,
        step=deployment.evaluate_every,
        ignore=json.dumps(list(deployment.ignore)),
        task=deployment.task,
        within=deployment.labels_within,
        labels_window=deployment.labels_window,
    )


def write_reference(deployment: Deployment, path: Path) -> None:
    columns: dict[str, Any] = {name: _arrow(values) for name, values in deployment.reference.items()}
    answers = deployment.reference_answers
    columns["prediction"] = _arrow(answers.predictions)
    if answers.probability is not None:
        columns["probability:1"] = pa.array(answers.probability)
    columns["label"] = _arrow(deployment.reference_labels)
    pq.write_table(pa.table(columns), path)


def _arrow(values: Any) -> pa.Array:
    return pa.array(values.tolist(), pa.string()) if values.dtype == object else pa.array(values, from_pandas=True)


def play(deployment: Deployment, folder: Path) -> Played:
    """Everything, start to end: until the last label has come."""
    folder.mkdir(parents=True, exist_ok=True)
    write_reference(deployment, folder / "reference.parquet")
    step = deployment.evaluate_every
    first = math.floor(deployment.times[0] / step) * step
    due = deployment.times + deployment.delays
    last = max(float(deployment.times[-1]), float(np.max(due[np.isfinite(due)], initial=0.0))) + 2 * step
    started = time.monotonic()
    sidecar = SidecarProcess(folder, config_of(deployment, folder), first)
    store = None
    try:
        sender = _Sender(deployment, sidecar)
        ends = np.arange(first + step, last + step, step)
        for end in ends:
            sender.send_until(float(end))
            store = store or open_store(folder / "state", read_only=True)
            _await_evaluation(store, float(end), sidecar)
        return Played(folder, len(deployment), sender.labels, len(ends), time.monotonic() - started)
    finally:
        if store is not None:
            store.close()
        sidecar.stop()


def _await_evaluation(store: Store, now: float, sidecar: SidecarProcess) -> None:
    deadline = time.monotonic() + EVALUATION_SECONDS
    while not any(signal.time >= now for signal in store.latest_signals(["requests.count"])):
        if time.monotonic() > deadline:
            raise RuntimeError(f"no evaluation at {now}:\n{sidecar.log()[-2000:]}")
        time.sleep(0.001)


class _Sender:
    """Keeps its place among rows and labels."""

    def __init__(self, deployment: Deployment, sidecar: SidecarProcess) -> None:
        self._deployment, self._sidecar = deployment, sidecar
        self._row = self._sequence = self.labels = 0
        due = deployment.times + deployment.delays
        known = [at for at in range(len(deployment)) if np.isfinite(due[at]) and not _gone(deployment.labels[at])]
        self._due = sorted(known, key=lambda at: due[at])
        self._due_times = due[self._due]
        self._names = list(deployment.served)

    def send_until(self, end: float) -> None:
        """Requests and labels before ``end`` arrive just before it, in one go; then it is ``end``, and time to evaluate."""
        self._sidecar.clock.set(end - 0.001)
        stop = int(np.searchsorted(self._deployment.times, end))
        for start in range(self._row, stop, EVENTS_A_BATCH):
            rows = range(start, min(start + EVENTS_A_BATCH, stop))
            self._capture([self._event(at) for at in rows])
        self._row = stop
        reached = int(np.searchsorted(self._due_times, end))
        for start in range(self.labels, reached, EVENTS_A_BATCH):
            chosen = self._due[start : min(start + EVENTS_A_BATCH, reached)]
            items = [{"id": _id(at), "label": _plain(self._deployment.labels[at])} for at in chosen]
            self._sidecar.labels(json.dumps({"labels": items}).encode())
        self.labels = reached
        self._sidecar.clock.set(end)
        self._capture([])  # a heartbeat: the engine looks at the clock

    def _capture(self, events: list[CaptureEvent]) -> None:
        self._sequence += 1
        ledger = Ledger(seen=self._row + len(events), shipped=self._row + len(events))
        self._sidecar.capture(encode_batch(CaptureBatch("player", self._sequence, events, ledger)))

    def _event(self, at: int) -> CaptureEvent:
        deployment = self._deployment
        instance = {name: _plain(deployment.served[name][at]) for name in self._names}
        request = json.dumps({"instances": [instance]}).encode()
        response = json.dumps({"predictions": [self._answer(at)]}).encode()
        return CaptureEvent(
            prediction_id=_id(at),
            started_unix_ns=int(deployment.times[at] * 1e9),
            duration_ns=REQUEST_NS,
            status=200,
            path=f"/v1/models/{deployment.name}:predict",
            model=deployment.name,
            version="1.0",
            request_size=len(request),
            response_size=len(response),
            request_body=request,
            response_body=response,
        )

    def _answer(self, at: int) -> Any:
        answers = self._deployment.answers
        made = _plain(answers.predictions[at])
        return made if answers.probability is None else {"label": made, "probability": float(answers.probability[at])}


def _id(at: int) -> str:
    return f"row-{at}"


def _gone(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if _gone(value) else value
