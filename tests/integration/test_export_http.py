"""/metrics over real sockets, read by Prometheus' own tools."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text
from starlette.applications import Starlette

from neural.monitoring.errors import NeuralError, StoreError
from neural.monitoring.export import (
    STORED_AS,
    MetricsServer,
    PrometheusExporter,
    SidecarMetrics,
    SimpleMetricsCollector,
    metrics_routes,
    stored_metrics_server,
)
from neural.monitoring.store import open_store

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "export"))
from export_fakes import board, signals, totals

PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")


def get(port: int, path: str = "/metrics", **headers: str) -> tuple[int, str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def _exporter_text() -> str:
    exporter = PrometheusExporter()
    exporter.record_prediction(0.1)
    return exporter.get_metrics_text()


def _simple_text() -> str:
    collector = SimpleMetricsCollector()
    collector.counter("jobs", "Jobs done", ["queue"]).labels('a "quoted" \\ value\n').inc()
    collector.histogram("wait_seconds", "Wait").observe(0.2)
    return collector.get_metrics_text()


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "page",
    [
        lambda: SidecarMetrics(board(100), totals(), stats={"ingest": lambda: {"batches": 1.0}}).page()[1],
        _exporter_text,
        _simple_text,
    ],
    ids=["the sidecar's page", "the seed's exporter", "the simple collector"],
)
def test_promtool_finds_nothing_wrong(page):
    done = subprocess.run([str(PROMTOOL), "check", "metrics"], input=page(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_server_serves_metrics_and_says_where_they_are():
    server = MetricsServer(SidecarMetrics(board(), totals()).page, host="127.0.0.1", port=0).start()
    try:
        status, kind, text = get(server.port)
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert "neural_predictions_total" in text
        assert get(server.port, Accept="application/openmetrics-text")[2].endswith("# EOF\n")
        assert get(server.port, "/")[0] == 200
        assert get(server.port, "/other")[0] == 404
    finally:
        server.stop()


def test_a_port_in_use_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(NeuralError, match=f"can't serve metrics on 127.0.0.1:{port}: Address already in use"):
            MetricsServer(lambda accept: ("", accept), host="127.0.0.1", port=port)


def test_the_seeds_exporter_starts_once_and_stops():
    exporter = PrometheusExporter(port=0, host="127.0.0.1")
    port = exporter.start_server()
    assert exporter.start_server() == port
    assert "neural_active_models" in get(port)[2]
    exporter.stop_server()
    exporter.stop_server()
    with pytest.raises(urllib.error.URLError):
        get(port)


async def test_the_route_answers_in_the_sidecars_app():
    app = Starlette(routes=metrics_routes(SidecarMetrics(board(), totals())))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sidecar") as client:
        plain = await client.get("/metrics", headers={"accept-encoding": "identity"})
        assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "content-encoding" not in plain.headers
        packed = await client.get("/metrics", headers={"accept": "application/openmetrics-text", "accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.text.endswith("# EOF\n")
        assert (await client.post("/metrics")).status_code == 405
    assert gzip.decompress(gzip.compress(b"x", 1)) == b"x"


def test_stored_data_is_served_by_another_process_view(tmp_path):
    store = open_store(tmp_path)
    store.write_signals(signals())
    store.put_value(STORED_AS, totals().snapshot())
    server = stored_metrics_server(tmp_path, port=0, host="127.0.0.1")
    try:
        found = {sample.name for family in parse_text(get(server.port)[2]) for sample in family.samples}
        assert {"neural_predictions_total", "neural_drift_score", "neural_prediction_latency_seconds_bucket"} <= found
    finally:
        server.stop()
        store.close()


def test_a_folder_without_data_is_one_line(tmp_path):
    with pytest.raises(StoreError):
        stored_metrics_server(tmp_path / "nothing", port=0, host="127.0.0.1")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _query(port: int, query: str) -> list[dict]:
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]["result"]


@pytest.mark.slow
@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")
def test_a_real_prometheus_scrapes_all_three_pages(tmp_path):
    sidecar = MetricsServer(SidecarMetrics(board(20), totals()).scrape, host="127.0.0.1", port=0).start()
    simple = MetricsServer(lambda _: ("text/plain; version=0.0.4", _simple_text()), host="127.0.0.1", port=0).start()
    port = _free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n"
        f"  - {{job_name: sidecar, static_configs: [{{targets: ['127.0.0.1:{sidecar.port}']}}]}}\n"
        f"  - {{job_name: simple, static_configs: [{{targets: ['127.0.0.1:{simple.port}']}}]}}\n"
    )
    command = [
        str(PROMETHEUS), f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage", "--log.level=error",
    ]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "GOMAXPROCS": "1"})
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if len(_query(port, "up == 1")) == 2 and _query(port, "neural_drift_score"):
                    break
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.2)  # Prometheus has no event to wait for
        assert len(_query(port, "up == 1")) == 2
        assert _query(port, "sum(neural_predictions_total)")[0]["value"][1] == "5"
        assert len(_query(port, 'neural_feature_drift{method="ks"}')) == 20
        assert _query(port, "histogram_quantile(0.5, neural_prediction_latency_seconds_bucket)")[0]["value"][1] != "NaN"
        assert _query(port, "jobs_total")[0]["metric"]["queue"] == 'a "quoted" \\ value\n'
        exemplars = urllib.request.urlopen(
            f"http://127.0.0.1:{port}/api/v1/query_exemplars?query=neural_prediction_latency_seconds_bucket&start=1600000000&end=1900000000",
            timeout=10,
        )
        assert {one["labels"]["trace_id"] for series in json.load(exemplars)["data"] for one in series["exemplars"]} == {
            "a" * 32,
            "b" * 32,
        }
    finally:
        process.terminate()
        process.wait(timeout=20)
        sidecar.stop()
        simple.stop()
