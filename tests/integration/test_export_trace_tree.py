"""One tree from client through server to inference: a traced client calls a traced model server with capture; a real sidecar tells the rest."""

from __future__ import annotations

import runpy
import socket
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from neural.capture import CaptureMiddleware

sys.path.insert(0, str(Path(__file__).parents[1]))
from sidecars import SidecarProcess

OTLP = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("test_export_otlp.py"))))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore and refused connections
]


class Traced:
    """The server's tracing, as OTel's ASGI middleware does it: a span a request, child of the caller's, current while the app runs."""

    def __init__(self, app, tracer):
        self.app, self.tracer = app, tracer

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        with self.tracer.start_as_current_span("serve", context=propagate.extract(headers), kind=trace.SpanKind.SERVER):
            return await self.app(scope, receive, send)


def provider(name, exporter):
    made = TracerProvider(resource=Resource.create({"service.name": name}))
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made


def exporter(protocol, port):
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}", insecure=True)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces")


async def predict(request):
    await request.json()
    return JSONResponse({"predictions": [1, 0]})


@pytest.mark.parametrize("protocol", list(OTLP.TRANSPORTS))
def test_client_server_and_inference_are_one_tree(protocol, tmp_path):
    with OTLP.TRANSPORTS[protocol]() as collector:
        out = {"endpoint": f"http://127.0.0.1:{collector.port}", "protocol": protocol, "delay": "200ms"}
        sidecar = SidecarProcess(tmp_path, {"export": {"otlp": out}})
        sidecar.start()
        client_side = provider("client", exporter(protocol, collector.port))
        server_side = provider("flights-server", exporter(protocol, collector.port))
        app = Starlette(routes=[Route("/v1/models/m:predict", predict, methods=["POST"])])
        captured = CaptureMiddleware(app, model="m", version="1.0", endpoint=f"unix://{sidecar.socket}")
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(Traced(captured, server_side.get_tracer("t")), log_level="warning", lifespan="off")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with client_side.get_tracer("t").start_as_current_span("ask"):
                headers: dict[str, str] = {}
                propagate.inject(headers)
                url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/models/m:predict"
                reply = httpx.post(url, json={"instances": [[1.0, 2.0], [3.0, 4.0]]}, headers=headers, trust_env=False)
            assert reply.status_code == 200
            deadline = time.monotonic() + 60
            while len(collector.spans) < 3:
                assert time.monotonic() < deadline, [span.name for span in collector.spans]
                time.sleep(0.05)
        finally:
            server.should_exit = True
            thread.join(20)
            listener.close()
            sidecar.stop()
            client_side.shutdown()
            server_side.shutdown()
    spans = {span.name: span for span in collector.spans}
    ask, serve, infer = spans["ask"], spans["serve"], spans["infer m"]
    assert len({span.trace_id for span in spans.values()}) == 1
    assert (ask.parent_span_id, serve.parent_span_id, infer.parent_span_id) == (b"", ask.span_id, serve.span_id)
    assert serve.start_time_unix_nano <= infer.start_time_unix_nano <= infer.end_time_unix_nano <= serve.end_time_unix_nano
    attributes = {one.key: one.value for one in infer.attributes}
    assert attributes["ml.inference.rows"].int_value == 2
    assert attributes["neural.decode.outcome"].string_value == "decoded"
