"""Metrics and alerts arrive over both OTLP transports, at servers built on the official protocol."""

from __future__ import annotations

import gzip
import sys
import threading
from concurrent import futures
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc

from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import ConfigError
from neural.monitoring.export import OTLPReporter, SidecarMetrics, exemplars_wanted, otlp_reporter
from neural.monitoring.export.otlp_client import SendError
from neural.monitoring.export.reporter import MAX_WAITING_ALERTS, ReportOptions
from neural.monitoring.settings import OTLPSettings
from neural.monitoring.views import Snapshot, SnapshotBoard

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "export"))
from export_fakes import NOW, alert, board, totals


class Collector:
    def __init__(self) -> None:
        self.metrics, self.logs, self.headers = [], [], []


class HTTPCollector(Collector):
    def __enter__(self):
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                collector.headers.append({key.lower(): value for key, value in self.headers.items()})
                if self.path == "/v1/metrics":
                    collector.metrics.append(metrics.ExportMetricsServiceRequest.FromString(body))
                elif self.path == "/v1/logs":
                    collector.logs.append(logs.ExportLogsServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class GRPCCollector(Collector):
    def __enter__(self):
        collector = self

        class Metrics(metrics_grpc.MetricsServiceServicer):
            def Export(self, request, context):
                collector.metrics.append(request)
                collector.headers.append(dict(context.invocation_metadata()))
                return metrics.ExportMetricsServiceResponse()

        class Logs(logs_grpc.LogsServiceServicer):
            def Export(self, request, context):
                collector.logs.append(request)
                return logs.ExportLogsServiceResponse()

        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        metrics_grpc.add_MetricsServiceServicer_to_server(Metrics(), self.server)
        logs_grpc.add_LogsServiceServicer_to_server(Logs(), self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        return self

    def __exit__(self, *exc):
        self.server.stop(0).wait()


TRANSPORTS = {"grpc": GRPCCollector, "http/protobuf": HTTPCollector}


@pytest.mark.parametrize("protocol", list(TRANSPORTS))
def test_metrics_and_alerts_arrive(protocol):
    with TRANSPORTS[protocol]() as collector:
        settings = OTLPSettings(
            endpoint=f"http://127.0.0.1:{collector.port}",
            protocol=protocol,
            metrics=True,
            logs=True,
            compression="gzip",
            headers={"Api-Key": "k"},
        )
        snapshots = board()
        reporter = otlp_reporter(
            settings, snapshots, SidecarMetrics(snapshots, totals()), {"OTEL_RESOURCE_ATTRIBUTES": "team=ml"}
        )
        reporter.start()
        reporter.stop(20)
        assert reporter.stats()["metrics_exported"] == 1
        assert reporter.stats()["alerts_exported"] == 2
        assert collector.headers[0]["api-key"] == "k"
        resource = collector.metrics[0].resource_metrics[0]
        assert {one.key: one.value.string_value for one in resource.resource.attributes} == {
            "service.name": "neural-sidecar",
            "team": "ml",
        }
        found = {metric.name: metric for metric in resource.scope_metrics[0].metrics}
        assert found["neural_predictions"].sum.is_monotonic
        assert found["neural_predictions"].sum.data_points[0].as_double == 5
        assert {one.key: one.value.string_value for one in found["neural_predictions"].sum.data_points[0].attributes} == {
            "model": "flights",
            "version": "3",
        }
        latency = found["neural_prediction_latency_seconds"].histogram.data_points[0]
        assert (latency.count, sum(latency.bucket_counts), len(latency.explicit_bounds)) == (3, 3, len(latency.bucket_counts) - 1)
        assert latency.sum == pytest.approx(2.023)
        assert found["neural_drift_score"].gauge.data_points
        records = collector.logs[0].resource_logs[0].scope_logs[0].log_records
        assert {(record.event_name, record.severity_text) for record in records} == {("neural.alert", "ERROR")}
        assert {one.key: one.value.string_value for one in records[0].attributes}["neural.alert.rule"] == "High Error Rate"


class Kept:
    def __init__(self) -> None:
        self.sent, self.error, self.closed = [], None, False

    def send(self, data: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def reporter():
    snapshots, client, clock = SnapshotBoard(), Kept(), ManualClock(NOW)
    made = OTLPReporter(
        snapshots,
        SidecarMetrics(snapshots),
        ReportOptions(metrics_every_seconds=60.0),
        {"logs": client, "metrics": Kept()},
        clock,
    )
    return made, snapshots, client, clock


def publish(snapshots: SnapshotBoard, *alerts) -> None:
    snapshots.publish(Snapshot(time=NOW, started_at=NOW, alerts=alerts))


def states(client: Kept) -> list[tuple[str, str, str]]:
    found = []
    for data in client.sent:
        for record in logs.ExportLogsServiceRequest.FromString(data).resource_logs[0].scope_logs[0].log_records:
            attributes = {one.key: one.value.string_value for one in record.attributes}
            found.append((attributes["neural.alert.rule"], attributes["neural.alert.state"], record.severity_text))
    return found


def test_an_alert_is_told_when_it_fires_and_when_it_ends_once_each(reporter):
    made, snapshots, client, _ = reporter
    publish(snapshots, alert("a", "pending"))
    made.push()
    publish(snapshots, alert("a"))
    made.push()
    made.push()
    publish(snapshots)
    made.push()
    made.push()
    assert states(client) == [("a", "firing", "ERROR"), ("a", "resolved", "INFO")]


def test_alerts_wait_while_the_collector_is_away(reporter):
    made, snapshots, client, _ = reporter
    client.error = SendError("UNAVAILABLE", retryable=True)
    publish(snapshots, alert("a"))
    made.push()
    assert made.stats()["alerts_waiting"] == 1
    client.error = None
    made.push()
    assert states(client) == [("a", "firing", "ERROR")]


def test_alerts_that_are_refused_are_counted_and_let_go(reporter):
    made, snapshots, client, _ = reporter
    client.error = SendError("HTTP 400", retryable=False)
    publish(snapshots, alert("a"))
    made.push()
    stats = made.stats()
    assert (stats["alerts_failed"], stats["alerts_waiting"]) == (1, 0)


def test_alerts_that_wait_are_bounded(reporter):
    made, snapshots, client, _ = reporter
    client.error = SendError("UNAVAILABLE", retryable=True)
    publish(snapshots, *(replace(alert(f"r{i}"), alert_id=f"id{i}") for i in range(MAX_WAITING_ALERTS + 5)))
    made.push()
    stats = made.stats()
    assert (stats["alerts_waiting"], stats["alerts_dropped"]) == (MAX_WAITING_ALERTS, 5)


def test_metrics_go_when_their_time_has_come(reporter):
    made, _, _, clock = reporter
    made.push()
    clock.advance(59)
    made.push()
    assert made.stats()["metrics_exported"] == 1
    clock.advance(1)
    made.push()
    assert made.stats()["metrics_exported"] == 2
    made.push(last=True)
    assert made.stats()["metrics_exported"] == 3


def test_nothing_is_pushed_unless_asked_for():
    snapshots = board()
    page = SidecarMetrics(snapshots)
    assert otlp_reporter(None, snapshots, page, {}) is None
    assert otlp_reporter(OTLPSettings(), snapshots, page, {}) is None
    assert otlp_reporter(OTLPSettings(metrics=True), snapshots, page, {"OTEL_METRICS_EXPORTER": "none"}) is None
    assert otlp_reporter(OTLPSettings(logs=True), snapshots, page, {"OTEL_SDK_DISABLED": "true"}) is None


@pytest.mark.parametrize("protocol", list(TRANSPORTS))
def test_without_a_collector_failures_are_counted(protocol):
    settings = OTLPSettings(endpoint="http://127.0.0.1:9", protocol=protocol, metrics=True, logs=True, timeout="1s")
    snapshots = board()
    reporter = otlp_reporter(settings, snapshots, SidecarMetrics(snapshots), {})
    reporter.push()
    stats = reporter.stats()
    assert (stats["metrics_failed"], stats["alerts_waiting"]) == (1, 2)
    reporter.start()
    reporter.stop(20)


@pytest.mark.parametrize("protocol", list(TRANSPORTS))
def test_a_certificate_that_is_not_there_is_one_line(protocol):
    settings = OTLPSettings(endpoint="https://127.0.0.1:9", protocol=protocol, metrics=True, certificate="/nowhere.pem")
    with pytest.raises(ConfigError, match=r"export\.otlp\.certificate"):
        otlp_reporter(settings, board(), SidecarMetrics(board()), {})


def test_alerts_are_sent_and_wait_as_the_variables_of_log_records_say():
    env = {"OTEL_BLRP_SCHEDULE_DELAY": "250", "OTEL_BLRP_MAX_QUEUE_SIZE": "5", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "2"}
    snapshots = SnapshotBoard()
    made = otlp_reporter(OTLPSettings(logs=True, endpoint="http://127.0.0.1:9"), snapshots, SidecarMetrics(snapshots), env)
    options = made._options
    assert (options.look_every_seconds, options.waiting, options.batch) == (0.25, 5, 2)
    client = Kept()
    made = OTLPReporter(snapshots, SidecarMetrics(snapshots), options, {"logs": client}, ManualClock(NOW))
    publish(snapshots, *(replace(alert(f"r{i}"), alert_id=f"id{i}") for i in range(7)))
    made.push()
    stats = made.stats()
    assert (stats["alerts_exported"], stats["alerts_dropped"], len(client.sent)) == (5, 2, 3)


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({}, True),
        ({"OTEL_METRICS_EXEMPLAR_FILTER": "trace_based"}, True),
        ({"OTEL_METRICS_EXEMPLAR_FILTER": "always_off"}, False),
    ],
)
def test_exemplars_are_left_out_where_otel_says_so(env, wanted):
    assert exemplars_wanted(env) is wanted
