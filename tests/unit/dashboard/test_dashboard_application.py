from __future__ import annotations

import csv
import io
import json
import re
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from neural.monitoring.clock import ManualClock
from neural.monitoring.dashboard import build_dashboard, serve_dashboard
from neural.monitoring.dashboard.exports import export
from neural.monitoring.errors import NeuralError
from neural.monitoring.reports.stakeholder import stakeholder_html
from neural.monitoring.signal import Signal
from neural.monitoring.slo import SLOSettings, slo_key
from neural.monitoring.store import MemoryStore, open_store

UPDATE = {
    "output": "..made.data...tick.disabled...tick.interval..",
    "outputs": [
        {"id": "made", "property": "data"},
        {"id": "tick", "property": "disabled"},
        {"id": "tick", "property": "interval"},
    ],
    "inputs": [
        {"id": "url", "property": "pathname", "value": "/"},
        {"id": "url", "property": "search", "value": ""},
        {"id": "tick", "property": "n_intervals", "value": 0},
    ],
    "changedPropIds": ["url.pathname"],
}


def _client(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sidecar")


@pytest.fixture
def app(store, now):
    return build_dashboard(store, clock=ManualClock(now))


async def test_every_page_is_the_same_document_and_other_paths_are_not_found(app):
    async with _client(app) as client:
        documents = [(await client.get(path)).text for path in ("/", "/drift", "/capture")]
        assert all('id="react-entry-point"' in text for text in documents)
        assert (await client.get("/nonesuch")).status_code == 404
        assert (await client.get("/docs")).status_code == 404


async def test_everything_comes_from_this_origin(app):
    async with _client(app) as client:
        page = await client.get("/")
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "'unsafe-eval'" not in policy
        assert "script-src 'self' 'sha256-" in policy
        for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
            assert (await client.get(path)).status_code == 200, path


async def test_the_page_is_rendered_by_a_callback(app):
    async with _client(app) as client:
        await client.get("/")
        reply = await client.post("/_dash-update-component", json=UPDATE)
        assert reply.status_code == 200
        assert "The inputs have drifted: temp and dewp." in reply.text


async def test_it_can_be_mounted_under_a_prefix_beside_other_routes(store, now):
    async def alive(_request):
        return PlainTextResponse("ok")

    dashboard = build_dashboard(store, prefix="/dashboard", clock=ManualClock(now))
    app = Starlette(routes=[Route("/health", alive), Mount("/dashboard", app=dashboard)])
    async with _client(app) as client:
        assert (await client.get("/health")).text == "ok"
        page = await client.get("/dashboard/")
        assert 'href="/dashboard/assets/dashboard.css' in page.text
        assert 'id="react-entry-point"' in (await client.get("/dashboard/drift")).text
        assert (await client.get("/dashboard/_dash-layout")).status_code == 200
        assert (await client.get("/dashboard/assets/dashboard.css")).status_code == 200
        reply = await client.post("/dashboard/_dash-update-component", json=UPDATE)
        assert '"/dashboard/drift"' in json.dumps(reply.json())


async def test_it_can_be_mounted_at_the_root_after_other_routes(store):
    async def alive(_request):
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/health", alive), Mount("/", app=build_dashboard(store))])
    async with _client(app) as client:
        assert (await client.get("/health")).text == "ok"
        assert 'id="react-entry-point"' in (await client.get("/slo")).text
        assert (await client.get("/_dash-layout")).status_code == 200


async def test_two_dashboards_in_one_process_show_their_own_stores(store, calm_store, now):
    apps = [build_dashboard(one, clock=ManualClock(now)) for one in (store, calm_store)]
    texts = []
    for app in apps:
        async with _client(app) as client:
            texts.append((await client.post("/_dash-update-component", json=UPDATE)).text)
    assert "The inputs have drifted" in texts[0]
    assert "All is well" in texts[1]


async def test_a_body_over_the_limit_is_refused(app):
    async with _client(app) as client:
        reply = await client.post("/_dash-update-component", content=b"x" * 300_000, headers={"content-type": "application/json"})
        assert reply.status_code == 413


async def test_tables_are_exported_as_csv(app, story):
    async with _client(app) as client:
        reply = await client.get("/export/drift.csv?range=1h")
        assert reply.headers["content-type"].startswith("text/csv")
        rows = list(csv.reader(io.StringIO(reply.text)))
        assert rows[0] == ["time", "signal", "feature", "model", "version", "value"]
        assert {row[2] for row in rows[1:]} == {"", *story.FEATURES}
        assert (await client.get("/export/passwords.csv")).status_code == 404


async def test_a_view_is_given_away_as_the_same_report_that_the_command_line_writes(app, store, now):
    async with _client(app) as client:
        reply = await client.get("/export/report.html")
        assert reply.headers["content-type"] == "text/html; charset=utf-8"
        assert reply.text == stakeholder_html(store, now, model="flights", version="3")
        past = await client.get(f"/export/report.html?until={round(now - 1800)}&range=1h")
        assert past.text == stakeholder_html(store, now, model="flights", version="3", at=round(now - 1800), hours=1.0)
        assert (await client.get("/export/passwords.html")).status_code == 404


async def test_the_sla_report_is_about_the_objectives_and_the_stretch_of_time_shown(own_store, now):
    objective = SLOSettings.model_validate(
        {"name": "fast", "type": "latency", "threshold": "100ms", "target": "99%", "window": "28d"}
    )
    own_store.add_slo_counts(slo_key("flights", "fast"), now - 7200, 90.0, 100.0)
    async with _client(build_dashboard(own_store, clock=ManualClock(now), objectives=[objective])) as client:
        month = await client.get("/export/sla.html")
        hour = await client.get("/export/sla.html?range=1h")
    assert "90.000%" in month.text
    assert "fast (latency) of flights" in hour.text
    assert "90.000%" not in hour.text


def test_a_spreadsheet_does_not_run_a_name_as_a_formula(now, read):
    store = MemoryStore()
    labels = {"model": "m", "version": "1"}
    store.write_signals(
        [Signal("requests.rate", 1.0, now, labels), Signal("drift.psi", -1.0, now, {**labels, "feature": "=cmd()"})]
    )
    text = export(read(store), "drift")
    assert "'=cmd()" in text
    assert ",-1.0" in text


def test_a_port_in_use_is_one_clear_line(tmp_path):
    open_store(tmp_path).close()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(NeuralError) as caught:
        serve_dashboard(tmp_path, "127.0.0.1", taken.getsockname()[1])
    assert "\n" not in str(caught.value)
    assert "in use" in str(caught.value)


def test_a_folder_without_a_store_is_one_clear_line(tmp_path):
    with pytest.raises(NeuralError):
        serve_dashboard(tmp_path / "nowhere", "127.0.0.1", 0)
