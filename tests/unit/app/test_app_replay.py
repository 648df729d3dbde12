"""A batch that came in a moment ago and one that is read again after a kill are the same batch: panes, books and log agree."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural.monitoring.app import build
from neural.monitoring.app.sidecar import Sidecar
from neural.monitoring.clock import ManualClock
from neural.monitoring.predictions import read_predictions
from neural.monitoring.settings import load_settings
from neural.wire import CaptureBatch, CaptureEvent, Ledger, encode_batch

NOW = 1_700_000_000.0
RNG = np.random.default_rng(5)


def row() -> dict[str, Any]:
    return {"amount": round(float(RNG.normal()), 4), "colour": str(RNG.choice(["red", "blue"]))}


def v1(place: int) -> tuple[str, bytes, bytes]:
    return "/v1/models/m:predict", json.dumps({"instances": [row()]}).encode(), b'{"predictions": [%d]}' % (place % 2)


def v1_many(place: int) -> tuple[str, bytes, bytes]:
    rows = [row() for _ in range(1 + place % 3)]
    return "/v1/models/m:predict", json.dumps({"instances": rows}).encode(), json.dumps({"predictions": [1] * len(rows)}).encode()


def v2(place: int) -> tuple[str, bytes, bytes]:
    tensor = {"name": "amount", "shape": [1], "datatype": "FP64", "data": [place / 7]}
    answer = {"model_name": "other", "outputs": [{"name": "label", "shape": [1], "datatype": "INT64", "data": [place % 3]}]}
    return "/v2/models/other/infer", json.dumps({"inputs": [tensor]}).encode(), json.dumps(answer).encode()


def torn(_place: int) -> tuple[str, bytes, bytes]:
    return "/v1/models/m:predict", b'{"instances": [', b'{"predictions": [1]}'


KINDS = (v1, v1, v1_many, v1, v2, torn)
JSON = {"content-type": "application/json"}


def batch(source: str, sequence: int, at: float) -> bytes:
    """Thirty requests of every kind in turn, one of them failed; the books say that some were lost on the way."""
    events = []
    for place in range(30):
        path, request, response = KINDS[(place + sequence) % len(KINDS)](place)
        status = 500 if place == 17 else 200
        events.append(
            CaptureEvent(
                f"{source}-{sequence}-{place}", int(at * 1e9) + place, 2_000_000 + place, status=status, path=path, request_body=request,
                response_body=response, request_headers=JSON, response_headers=JSON,
            )
        )  # fmt: skip
    seen = 30 * sequence
    books = Ledger(seen=seen + 3, shipped=seen, dropped={"ring_full": 2}, in_flight=1)
    return encode_batch(CaptureBatch(source, sequence, events, books))


def labels(source: str, sequence: int, at: float) -> bytes:
    return json.dumps([{"id": f"{source}-{sequence}-{place}", "label": place % 2, "time": at} for place in range(30)]).encode()


def opened(folder: Path, clock: ManualClock) -> Sidecar:
    folder.mkdir(exist_ok=True)
    config = folder / "monitor.yaml"
    config.write_text(
        "model: {name: m}\nreference: {learn: 60 rows}\nstore: {path: state}\ndashboard: {enabled: false}\n"
        "slos: [{name: up, type: availability, target: 99%, window: 28d}]\n"
    )
    return build(load_settings(config), clock)


def closed(sidecar: Sidecar) -> None:
    for part in (sidecar.predictions, sidecar.journal, sidecar.reading_store, sidecar.store):
        part.close()


def state(sidecar: Sidecar) -> dict[str, Any]:
    """What the engine has made of its entries. To be called where nothing else touches it."""
    sidecar.engine._processor.settle()
    sidecar.predictions.flush()
    panes = {
        (*key, number): {
            "rows": pane.rows, "names": pane.names, "sums": pane.sums.copy(), "counts": pane.counts.copy(), "low": pane.low.copy(), "high": pane.high.copy(),
        }
        for key, model in sidecar.engine._panes._models.items()
        for number, pane in model.panes.items()
    }  # fmt: skip
    totals = sidecar.engine._processor.totals
    log = read_predictions(sidecar.storage_path / "predictions").sort_by("prediction_id")
    return {"panes": panes, "books": totals.account(), "totals": totals.snapshot(), "log": log}


def waited(sidecar: Sidecar, entries: int) -> None:
    """Until the engine's thread has taken them."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if sidecar.engine.backlog == 0 and sidecar.engine._processor.totals.counts["batches"] >= entries:
            return
        time.sleep(0.01)
    raise AssertionError("the engine did not take its entries")


def seen_on_its_thread(sidecar: Sidecar, copy: Path) -> dict[str, Any]:
    """The state, and what a kill at that moment would leave of the journal."""
    found: dict[str, Any] = {}
    done = threading.Event()

    def look() -> None:
        found.update(state(sidecar))
        shutil.copytree(sidecar.storage_path / "journal", copy)
        done.set()

    sidecar.engine.run("looking", look)
    assert done.wait(20)
    return found


@pytest.fixture
def live_and_replayed(tmp_path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Twelve batches from two sources with labels in between, taken by a running engine now one by one, now many at once."""
    clock = ManualClock(NOW)
    live = opened(tmp_path / "live", clock)
    live.start()
    for sequence in range(1, 7):
        for source in ("pod-a", "pod-b"):
            assert live.ingest.accept_batch(batch(source, sequence, clock())).accepted == 30
            clock.advance(20.0)
        if sequence % 2:  # gathered: the engine is given the next ones before it has rested
            waited(live, 2 * sequence)
        live.ingest.accept_labels(labels("pod-a", sequence, clock()))
    waited(live, 12)
    journal = tmp_path / "again" / "state" / "journal"
    journal.parent.mkdir(parents=True)
    first = seen_on_its_thread(live, journal)
    again = opened(tmp_path / "again", clock)
    second = state(again)
    assert again.replayed >= 18
    closed(again)
    assert live.stop(20)
    return first, second


@pytest.mark.slow
def test_live_and_replayed_batches_give_the_same_panes_books_and_log(live_and_replayed) -> None:
    live, replayed = live_and_replayed
    assert live["books"] == replayed["books"]
    assert live["books"]["ledger"] == {**live["books"]["ledger"], "seen": 366, "shipped": 360, "in_flight": 2}
    assert live["totals"] == replayed["totals"]
    assert live["totals"]["counts"]["labels_matched"] > 0
    assert live["panes"].keys() == replayed["panes"].keys()
    assert len(live["panes"]) > 3
    for key, pane in live["panes"].items():
        other = replayed["panes"][key]
        assert (pane["rows"], pane["names"]) == (other["rows"], other["names"])
        for part in ("sums", "counts", "low", "high"):
            np.testing.assert_array_equal(pane[part], other[part], err_msg=f"{key} {part}")
    assert live["log"].num_rows == live["totals"]["counts"]["rows"] > 300
    assert live["log"].equals(replayed["log"])
