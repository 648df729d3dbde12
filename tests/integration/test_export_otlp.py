"""Spans arrive over both OTLP transports, at servers built on the official protocol, and form one tree."""

from __future__ import annotations

import gzip
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
import trustme
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from neural.monitoring.decode import Decoded
from neural.monitoring.export import span_emitter
from neural.monitoring.settings import OTLPSettings
from neural.wire import CaptureBatch, CaptureEvent

TRACE, CALLER, SERVER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "b7ad6b7169203331"
START = 1_700_000_000_123_456_789


class Collector:
    """What a collector got, whichever way it came. ``refusals``: how many requests are refused first."""

    def __init__(self, refusals: int = 0) -> None:
        self.requests, self.headers, self.refusals, self.port = [], [], refusals, 0
        self.lock = threading.Lock()

    def take(self, request, headers) -> bool:
        with self.lock:
            if self.refusals > 0:
                self.refusals -= 1
                return False
            self.requests.append(request)
            self.headers.append(headers)
            return True

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class HTTPCollector(Collector):
    def __enter__(self):
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                good = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
                request = service.ExportTraceServiceRequest.FromString(body)
                taken = good and collector.take(request, {key.lower(): value for key, value in self.headers.items()})
                self.send_response(200 if taken else 400)
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


class GRPCCollector(Collector, service_grpc.TraceServiceServicer):
    def __init__(self, refusals: int = 0, credentials=None) -> None:
        super().__init__(refusals)
        self.credentials = credentials

    def Export(self, request, context):
        if not self.take(request, dict(context.invocation_metadata())):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "refused")
        return service.ExportTraceServiceResponse()

    def __enter__(self):
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        service_grpc.add_TraceServiceServicer_to_server(self, self.server)
        address = "127.0.0.1:0"
        self.port = (
            self.server.add_secure_port(address, self.credentials) if self.credentials else self.server.add_insecure_port(address)
        )
        self.server.start()
        return self

    def __exit__(self, *exc):
        self.server.stop(0).wait()


TRANSPORTS = {"grpc": GRPCCollector, "http/protobuf": HTTPCollector}
both = pytest.mark.parametrize("protocol", list(TRANSPORTS))


def event(**changes) -> CaptureEvent:
    given = {
        "prediction_id": "p1",
        "started_unix_ns": START,
        "duration_ns": 25_000_000,
        "status": 200,
        "path": "/v2/models/flights/infer",
        "model": "flights",
    }
    return CaptureEvent(**{**given, **changes})


def send(emitter, *events: CaptureEvent) -> None:
    batch = CaptureBatch("host:1", 1, events, resource={"service.name": "flights-server"})
    emitter.emit(batch, Decoded([], [], []))
    assert emitter.stop(20)


@both
def test_spans_arrive_and_form_one_tree(protocol):
    with TRANSPORTS[protocol]() as collector:
        emitter = span_emitter(
            OTLPSettings(endpoint=f"http://127.0.0.1:{collector.port}", protocol=protocol, headers={"api-key": "k"}), {}
        )
        parent = f"00-{TRACE}-{CALLER}-01"
        send(emitter, event(traceparent=parent, status=500), event(prediction_id="p2", traceparent=parent, span_id=SERVER))
        assert emitter.stats() == {
            "queued": 2,
            "exported": 2,
            "failed": 0,
            "dropped": 0,
            "sampled_out": 0,
            "bad_events": 0,
            "waiting": 0,
        }
        under_caller, under_server = collector.spans
        assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
        assert (under_caller.parent_span_id.hex(), under_server.parent_span_id.hex()) == (CALLER, SERVER)
        assert (under_caller.kind, under_server.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_INTERNAL)
        assert len({span.span_id for span in collector.spans} | {bytes.fromhex(CALLER), bytes.fromhex(SERVER)}) == 4
        assert (under_caller.start_time_unix_nano, under_caller.end_time_unix_nano) == (START, START + 25_000_000)
        assert under_caller.status.code == Status.STATUS_CODE_ERROR
        attributes = {one.key: one.value for one in under_caller.attributes}
        assert attributes["ml.model.name"].string_value == "flights"
        assert attributes["http.response.status_code"].int_value == 500
        (resource,) = {one.value.string_value for one in collector.requests[0].resource_spans[0].resource.attributes}
        assert resource == "flights-server"
        assert collector.headers[0]["api-key"] == "k"


@both
def test_exporting_a_span_does_not_hand_its_context_on(protocol):
    """The observer is nobody's caller: its requests carry no traceparent."""
    with TRANSPORTS[protocol]() as collector:
        send(span_emitter(OTLPSettings(endpoint=f"http://127.0.0.1:{collector.port}", protocol=protocol), {}), event())
        assert len(collector.headers) == 1
        assert "traceparent" not in collector.headers[0]


@both
def test_the_environment_alone_is_enough(protocol, monkeypatch):
    with TRANSPORTS[protocol]() as collector:
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_HEADERS": "x-team=ml", "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop",
        }  # fmt: skip
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        send(span_emitter(None, env), event())
        assert len(collector.spans) == 1
        assert collector.headers[0]["x-team"] == "ml"
        keys = {one.key for one in collector.requests[0].resource_spans[0].resource.attributes}
        assert keys == {"service.name", "service.namespace"}


@both
def test_a_refusing_collector_is_counted_and_the_next_batch_arrives(protocol):
    with TRANSPORTS[protocol](refusals=1) as collector:
        emitter = span_emitter(OTLPSettings(endpoint=f"http://127.0.0.1:{collector.port}", protocol=protocol), {})
        emitter.emit(CaptureBatch("s", 1, [event()]), Decoded([], [], []))
        assert emitter.flush(20)
        send(emitter, event(prediction_id="p2"))
        stats = emitter.stats()
        assert (stats["exported"], stats["failed"]) == (1, 1)
        assert len(collector.spans) == 1


@pytest.mark.slow
@both
def test_without_a_collector_nothing_waits_and_all_is_counted(protocol):
    emitter = span_emitter(OTLPSettings(endpoint="http://127.0.0.1:9", protocol=protocol, timeout="1s", queue=5, batch=5), {})
    events = [event(prediction_id=f"p{i}") for i in range(50)]
    emitter.emit(CaptureBatch("s", 1, events), Decoded([], [], []))
    emitter.stop(10)
    stats = emitter.stats()
    assert stats["queued"] == 5
    assert stats["dropped"] == 45
    assert stats["failed"] + stats["waiting"] == 5


def test_grpc_over_tls_checks_the_certificate(tmp_path):
    authority = trustme.CA()
    own = authority.issue_cert("localhost")
    credentials = grpc.ssl_server_credentials(
        [(own.private_key_pem.bytes(), b"".join(one.bytes() for one in own.cert_chain_pems))]
    )
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with GRPCCollector(credentials=credentials) as collector:
        endpoint = f"https://localhost:{collector.port}"
        send(span_emitter(OTLPSettings(endpoint=endpoint, protocol="grpc", certificate=str(tmp_path / "ca.pem")), {}), event())
        assert len(collector.spans) == 1
