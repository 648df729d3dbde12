"""What is shed under pressure, and that the numbers stay right: bodies first, then requests by sampling, never counts."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from neural.capture import CaptureMiddleware
from neural.capture.account import PRESSED_SHARE
from neural.capture.ladder import Rung
from neural.capture.testing import Collector
from neural.monitoring.decode import Decoding
from neural.monitoring.windows import traffic as panes

REQUESTS = 6_000
SLOW_SHARE, FAILED_SHARE = 0.3, 0.05
SLOW_SECONDS = 0.25


async def _served(app, statuses):
    async def receive():
        return {"type": "http.request", "body": b'{"instances":[[1.0]]}'}

    async def send(message):
        pass

    for status in statuses:
        scope = {"type": "http", "method": "POST", "path": "/v1/models/m:predict", "query_string": b"%d" % status, "headers": []}
        await app(scope, receive, send)


async def _model(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": int(scope["query_string"]), "headers": []})
    await send({"type": "http.response.body", "body": b'{"predictions":[0.5]}'})


def _captured(rung: Rung, **settings):
    """Requests of which some fail and some are slow, captured at a rung; as the sidecar counts them. Then the ledger."""
    rng = np.random.default_rng(5)
    statuses = np.where(rng.random(REQUESTS) < FAILED_SHARE, 500, np.where(rng.random(REQUESTS) < SLOW_SHARE, 201, 200))
    collector = Collector()
    app = CaptureMiddleware(_model, transport=collector, degrade=False, ring_events=2 * REQUESTS, **settings)
    app.recorder.account.set_rung(rung)
    asyncio.run(_served(app, statuses.tolist()))
    assert app.flush(10)
    events = [one for batch in collector.batches for one in batch.events]
    ledger = app.ledger()
    app.close()
    # the clock is real; latencies are set here, so that what is slow is known
    events = [one._replace(duration_ns=int((SLOW_SECONDS if one.status == 201 else 0.01) * 1e9)) for one in events]
    batch = collector.batches[0]._replace(events=events)
    (traffic,) = Decoding().decode(batch).traffic
    return panes.traffic_pane(traffic), events, ledger, statuses


def test_sampled_under_pressure_rates_and_latencies_are_those_of_all_requests_and_errors_are_all_there():
    pane, events, ledger, statuses = _captured(Rung.SAMPLED)
    assert len(events) < 0.2 * REQUESTS
    assert all(not event.request_body for event in events)  # bodies went first
    # Each request that is kept with probability f stands for 1/f: the variance of the sum is n (1/f - 1).
    spread = 4 * np.sqrt(REQUESTS * (1 / PRESSED_SHARE - 1))
    failed = np.count_nonzero(statuses == 500)
    assert pane.failed == failed
    assert pane.requests == pytest.approx(REQUESTS, abs=spread)
    assert pane.by_status[201] == pytest.approx(np.count_nonzero(statuses == 201), abs=spread)
    slow = np.count_nonzero(statuses == 201)
    mean = (slow * SLOW_SECONDS + (REQUESTS - slow) * 0.01) / REQUESTS
    assert pane.latency_sum / pane.requests == pytest.approx(mean, rel=0.15)
    assert ledger.seen == REQUESTS == ledger.shipped + ledger.sampled_out  # counts are exact whatever is left out
    assert dict(ledger.dropped) == {}


def test_a_share_that_is_set_is_pressed_further_and_the_weights_follow():
    pane, events, ledger, _ = _captured(Rung.SAMPLED, sample=0.5, keep_errors=False)
    assert {event.sampling_fraction for event in events} == {0.5 * PRESSED_SHARE}
    assert pane.requests == pytest.approx(REQUESTS, abs=4 * np.sqrt(REQUESTS * (1 / (0.5 * PRESSED_SHARE) - 1)))
    assert ledger.seen == ledger.shipped + ledger.sampled_out == REQUESTS


@pytest.mark.parametrize("rung", [Rung.FULL, Rung.BODIES_OFF])
def test_above_that_rung_every_request_is_shipped(rung):
    pane, events, ledger, _ = _captured(rung)
    assert pane.requests == len(events) == ledger.shipped == REQUESTS
    assert all(bool(event.request_body) is (rung is Rung.FULL) for event in events)


def test_it_recovers_rung_by_rung():
    app = CaptureMiddleware(_model, transport=Collector(), degrade=False)
    account = app.recorder.account
    account.set_rung(Rung.SAMPLED)
    account.set_rung(Rung.FULL)
    asyncio.run(_served(app, [200] * 50))
    assert app.flush(10)
    assert (app.ledger().shipped, app.ledger().sampled_out) == (50, 0)
    app.close()
