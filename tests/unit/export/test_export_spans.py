"""What a span says, whose child it is, and what happens when the collector doesn't keep up."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from export_fakes import NOW, board, rows, traffic
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

from neural.monitoring.decode import Decoded
from neural.monitoring.decode.parsed import Unparsed
from neural.monitoring.errors import ConfigError
from neural.monitoring.export import IncidentWatch, SpanOptions, board_verdicts, span_emitter, span_options
from neural.monitoring.export.otlp_transport import Transport
from neural.monitoring.export.sampling import SpanSampler, sampler_from
from neural.monitoring.export.span_export import SCHEMA_URL, otlp_exporter
from neural.monitoring.export.spans import SpanEmitter
from neural.monitoring.export.trace_context import parse_traceparent
from neural.monitoring.settings import OTLPSettings
from neural.monitoring.store import AlertRow
from neural.monitoring.views import Snapshot, SnapshotBoard
from neural.wire import CaptureBatch, CaptureEvent, Flag, Outcome, Protocol

TRACE, CALLER, SERVER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{CALLER}-01"
START = 1_700_000_000_123_456_789
NOTHING = Decoded(rows=[], traffic=[], failures=[])


class Collected:
    """An exporter that keeps what it gets; ``gate`` holds it up, ``answer`` is what it says."""

    def __init__(self, answer=SpanExportResult.SUCCESS):
        self.batches, self.answer, self.gate, self.entered, self.closed = [], answer, threading.Event(), threading.Event(), False
        self.gate.set()

    def export(self, spans):
        self.entered.set()
        self.gate.wait(20)
        if isinstance(self.answer, Exception):
            raise self.answer
        self.batches.append(list(spans))
        return self.answer

    def shutdown(self):
        self.closed = True
        self.gate.set()

    @property
    def spans(self):
        return [span for batch in self.batches for span in batch]


def event(**changes) -> CaptureEvent:
    given = {
        "prediction_id": "p1",
        "started_unix_ns": START,
        "duration_ns": 25_000_000,
        "status": 200,
        "path": "/v2/models/flights/infer",
    }
    return CaptureEvent(**{**given, **changes})


def batch(*events: CaptureEvent, **changes) -> CaptureBatch:
    return CaptureBatch("host:1", 1, events, **{"resource": {"service.name": "flights-server", "host.name": "h"}, **changes})


def options(**changes) -> SpanOptions:
    return SpanOptions(**{"transport": Transport("grpc", "http://nowhere:1"), "delay_seconds": 3600.0, **changes})


def told(capture: CaptureBatch, decoded: Decoded = NOTHING, *, verdicts=None, **changes):
    collected = Collected()
    emitter = SpanEmitter(options(**changes), collected, **({"verdicts": verdicts} if verdicts else {}))
    emitter.emit(capture, decoded)
    assert emitter.stop(10)
    assert collected.closed
    return collected.spans


def test_a_span_stands_at_the_captured_times_under_the_caller():
    (span,) = told(batch(event(traceparent=PARENT, first_byte_ns=20_000_000)))
    assert (span.start_time, span.end_time) == (START, START + 25_000_000)
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == CALLER
    assert span.parent.is_remote
    assert span.context.span_id != span.parent.span_id
    assert span.kind is SpanKind.SERVER
    assert [(one.name, one.timestamp) for one in span.events] == [("neural.first_byte", START + 20_000_000)]
    assert span.instrumentation_scope.name == "neural.monitoring"
    assert span.instrumentation_scope.schema_url == SCHEMA_URL


def test_a_server_that_traces_itself_is_the_parent():
    (span,) = told(batch(event(traceparent=PARENT, span_id=SERVER)))
    assert f"{span.parent.span_id:016x}" == SERVER
    assert f"{span.context.trace_id:032x}" == TRACE
    assert not span.parent.is_remote
    assert span.kind is SpanKind.INTERNAL


@pytest.mark.parametrize("span_id", ["zz" * 8, "0" * 16, "abc"])
def test_a_malformed_server_span_id_is_not_a_parent(span_id):
    (span,) = told(batch(event(traceparent=PARENT, span_id=span_id)))
    assert f"{span.parent.span_id:016x}" == CALLER


def test_without_a_caller_a_trace_begins_and_the_servers_span_is_mentioned():
    (span,) = told(batch(event(span_id=SERVER)))
    assert span.parent is None
    assert span.context.trace_id != 0
    assert span.attributes["neural.server.span_id"] == SERVER


def test_the_same_inference_has_the_same_ids_and_another_has_others():
    first, second = told(batch(event(), event(prediction_id="p2", started_unix_ns=START + 1)))
    (again,) = told(batch(event()))
    assert (first.context.trace_id, first.context.span_id) == (again.context.trace_id, again.context.span_id)
    assert first.context.span_id != second.context.span_id
    assert first.context.trace_id != second.context.trace_id


def test_http_attributes_follow_the_conventions():
    headers = {"host": "models.example:8080", "user-agent": "shop/1"}
    (span,) = told(
        batch(event(method="post", request_size=10, response_size=20, request_headers=headers, model="flights", version="3"))
    )
    assert span.name == "infer flights"
    assert dict(span.attributes) == {
        "http.request.method": "POST", "http.response.status_code": 200, "http.request.body.size": 10, "http.response.body.size": 20,
        "url.path": "/v2/models/flights/infer", "url.scheme": "http", "server.address": "models.example", "user_agent.original": "shop/1",
        "ml.operation.name": "infer", "ml.model.name": "flights", "ml.model.version": "3", "ml.inference.id": "p1",
        "neural.capture.outcome": "completed", "neural.capture.sampling_fraction": 1.0,
    }  # fmt: skip
    assert span.status.status_code is StatusCode.UNSET


def test_an_unknown_method_is_other():
    (span,) = told(batch(event(method="BREW")))
    assert (span.attributes["http.request.method"], span.attributes["http.request.method_original"]) == ("_OTHER", "BREW")


def test_grpc_attributes_follow_the_conventions():
    call = event(
        protocol=Protocol.GRPC,
        path="/inference.GRPCInferenceService/ModelInfer",
        status=0,
        grpc_status=14,
        flags=Flag.STREAMED | Flag.REDACTED,
    )
    (span,) = told(batch(call))
    assert span.attributes["rpc.system.name"] == "grpc"
    assert span.attributes["rpc.method"] == "inference.GRPCInferenceService/ModelInfer"
    assert span.attributes["rpc.response.status_code"] == "UNAVAILABLE"
    assert span.attributes["error.type"] == "UNAVAILABLE"
    assert span.attributes["neural.capture.flags"] == ["redacted", "streamed"]
    assert span.status.status_code is StatusCode.ERROR
    assert not [name for name in span.attributes if name.startswith("http.")]


@pytest.mark.parametrize(
    ("changes", "error_type"),
    [
        ({"status": 503}, "503"),
        ({"status": 0, "outcome": Outcome.EXCEPTION}, "exception"),
        ({"status": 404}, None),
        ({"outcome": Outcome.DISCONNECTED}, None),
    ],
)
def test_only_the_servers_failures_are_errors(changes, error_type):
    (span,) = told(batch(event(**changes)))
    assert span.attributes.get("error.type") == error_type
    assert (span.status.status_code is StatusCode.ERROR) == (error_type is not None)


def test_rows_model_and_decode_failures_come_from_decoding():
    other = event(prediction_id="p2", started_unix_ns=START + 10**9)
    table = rows(4)
    table.times[:] = START / 1e9
    failed = traffic([0.1], model="whales", version="9")
    failed.times[:] = other.started_unix_ns / 1e9
    decoded = Decoded([table], [failed], [Unparsed("not_json", "byte 3", "p2", "/x")])
    first, second = told(batch(event(), other), decoded)
    assert first.attributes["ml.inference.rows"] == 4
    assert first.attributes["neural.decode.outcome"] == "decoded"
    assert (first.attributes["ml.model.name"], first.attributes["ml.model.version"]) == ("flights", "3")
    assert second.attributes["neural.decode.outcome"] == "unparsed"
    assert second.attributes["neural.decode.reason"] == "not_json"
    assert second.name == "infer whales"
    assert "ml.inference.rows" not in second.attributes


def test_two_requests_of_one_instant_do_not_share_rows():
    table = rows(2)
    table.times[:] = START / 1e9
    spans = told(batch(event(), event(prediction_id="p2")), Decoded([table], [], []))
    assert [span.attributes.get("ml.inference.rows") for span in spans] == [None, None]


def test_the_verdict_of_the_moment_is_on_the_span():
    snapshots = board()
    signals = snapshots.current().signals
    (span,) = told(batch(event(model="flights", version="3")), verdicts=board_verdicts(snapshots))
    assert "neural.verdict.drift" not in span.attributes  # the fake alarm carries no verdict
    assert signals
    from dataclasses import replace

    from neural.monitoring.signal import Outcome as Said
    from neural.monitoring.signal import Verdict

    bad = tuple(replace(one, verdict=Verdict(Said.BAD, "moved")) if one.name == "drift.alarm" else one for one in signals)
    snapshots.publish(replace(snapshots.current(), signals=bad))
    (span,) = told(batch(event(model="flights", version="3")), verdicts=board_verdicts(snapshots))
    assert span.attributes["neural.verdict.drift"] == "bad"


def test_the_resource_is_the_servers_unless_told_otherwise():
    (span,) = told(batch(event()), resource={"service.name": "mine", "deployment.environment.name": "prod"})
    assert dict(span.resource.attributes) == {"service.name": "mine", "host.name": "h", "deployment.environment.name": "prod"}
    (span,) = told(batch(event(), resource={}))
    assert span.resource.attributes["service.name"] == "model-server"


def test_long_values_are_cut_where_asked():
    (span,) = told(batch(event(path="/" + "x" * 100)), max_value_length=10)
    assert span.attributes["url.path"] == "/xxxxxxxxx"


def test_a_full_queue_drops_and_counts():
    collected = Collected()
    collected.gate.clear()
    emitter = SpanEmitter(options(queue=4, batch=2), collected)
    events = [event(prediction_id=f"p{i}", started_unix_ns=START + i) for i in range(10)]
    assert emitter.emit(batch(*events), NOTHING) == 4
    assert collected.entered.wait(10)
    stats = emitter.stats()
    assert (stats["queued"], stats["dropped"], stats["waiting"]) == (4, 6, 4)
    collected.gate.set()
    assert emitter.stop(10)
    assert emitter.stats()["exported"] == 4
    assert [len(one) for one in collected.batches] == [2, 2]


@pytest.mark.parametrize("answer", [SpanExportResult.FAILURE, RuntimeError("broken")], ids=["refused", "raised"])
def test_a_failed_export_is_counted_and_the_next_goes_on(answer):
    collected = Collected(answer)
    emitter = SpanEmitter(options(), collected)
    emitter.emit(batch(event()), NOTHING)
    assert emitter.flush(10)
    collected.answer = SpanExportResult.SUCCESS
    emitter.emit(batch(event()), NOTHING)
    assert emitter.stop(10)
    stats = emitter.stats()
    assert (stats["queued"], stats["exported"], stats["failed"], stats["waiting"]) == (2, 1, 1, 0)


def test_stopping_counts_what_is_left_as_failed():
    collected = Collected()
    collected.gate.clear()
    emitter = SpanEmitter(options(batch=1), collected)
    emitter.emit(batch(event(), event(prediction_id="p2")), NOTHING)
    assert collected.entered.wait(10)
    assert not emitter.stop(0.05)
    emitter._thread.join(10)
    stats = emitter.stats()
    assert stats["queued"] == stats["exported"] + stats["failed"] == 2
    assert emitter.emit(batch(event()), NOTHING) == 0
    assert emitter.stats()["dropped"] == 1


def test_full_batches_go_without_waiting_for_the_delay():
    collected = Collected()
    emitter = SpanEmitter(options(batch=2), collected)
    emitter.emit(batch(event(), event(prediction_id="p2")), NOTHING)
    assert collected.entered.wait(10)
    emitter.stop(10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PARENT, True), (f"00-{TRACE}-{CALLER}-00", False), (f"00-{TRACE}-{CALLER}-03", True), (f"cc-{TRACE}-{CALLER}-01-more", True),
        ("", None), (f"00-{'0' * 32}-{CALLER}-01", None), (f"00-{TRACE}-{'0' * 16}-01", None), (f"ff-{TRACE}-{CALLER}-01", None),
        (f"00-{TRACE.upper()}-{CALLER}-01", None), (f"{PARENT}-more", None), (f" {PARENT}", None), (PARENT[:-1], None),
    ],
)  # fmt: skip
def test_traceparent_is_read_as_w3c_has_it(text, expected):
    parent = parse_traceparent(text)
    assert (parent.sampled if parent else None) == expected


@pytest.mark.parametrize(
    ("share", "env", "expected"),
    [
        (None, {}, SpanSampler(1.0, True)),
        (0.25, {"OTEL_TRACES_SAMPLER": "always_off"}, SpanSampler(0.25, False)),
        (None, {"OTEL_TRACES_SAMPLER": "always_on"}, SpanSampler(1.0, False)),
        (None, {"OTEL_TRACES_SAMPLER": "always_off"}, SpanSampler(0.0, False)),
        (None, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, SpanSampler(0.5, False)),
        (None, {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, SpanSampler(0.5, True)),
        (None, {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, SpanSampler(0.0, True)),
        (None, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "x"}, SpanSampler(1.0, False)),
        (None, {"OTEL_TRACES_SAMPLER": "jaeger_remote"}, SpanSampler(1.0, True)),
    ],
)
def test_samplers_are_otels_own(share, env, expected):
    assert sampler_from(share, env) == expected


def test_an_unsampled_caller_gets_no_span_and_it_is_counted():
    collected = Collected()
    emitter = SpanEmitter(options(), collected)
    emitter.emit(batch(event(traceparent=PARENT[:-1] + "0"), event(prediction_id="p2")), NOTHING)
    emitter.stop(10)
    assert emitter.stats()["sampled_out"] == 1
    assert len(collected.spans) == 1


def test_the_ratio_keeps_its_share_of_traces():
    sampler = SpanSampler(0.3, parent_decides=False)
    ids = np.random.default_rng(0).integers(0, 2**63, size=4000)
    kept = sum(sampler.keeps(int(one) * 2, None) for one in ids)
    assert 1050 < kept < 1350


class TestOptions:
    def test_spans_are_off_unless_asked_for(self):
        assert span_options(None, {}) is None
        assert span_options(None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}) is not None
        assert span_options(OTLPSettings(), {}) is not None
        assert span_options(OTLPSettings(), {"OTEL_SDK_DISABLED": "TRUE"}) is None
        assert span_options(OTLPSettings(), {"OTEL_TRACES_EXPORTER": "none"}) is None
        assert span_options(OTLPSettings(traces=False), {}) is None
        assert span_emitter(None, {}) is None

    @pytest.mark.parametrize(
        ("settings", "env", "protocol", "endpoint"),
        [
            ({}, {}, "grpc", "http://localhost:4317"),
            ({"endpoint": "http://c:4318"}, {}, "http/protobuf", "http://c:4318/v1/traces"),
            ({"endpoint": "http://c:4318/v1/traces"}, {}, "http/protobuf", "http://c:4318/v1/traces"),
            ({"endpoint": "http://c:9999"}, {}, "grpc", "http://c:9999"),
            ({"endpoint": "http://c:9999", "protocol": "http/protobuf"}, {}, "http/protobuf", "http://c:9999/v1/traces"),
            ({"endpoint": "https://c/otlp"}, {}, "http/protobuf", "https://c/otlp/v1/traces"),
            ({}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http/protobuf", "http://localhost:4318/v1/traces"),
            ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http/protobuf", "http://c:4318/v1/traces"),
            ({}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/own"}, "http/protobuf", "http://c:4318/own"),
            ({"protocol": "grpc"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "grpc", "http://localhost:4317"),
            (
                {},
                {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
                "http/protobuf",
                "http://localhost:4318/v1/traces",
            ),
        ],
    )
    def test_transport_and_endpoint(self, settings, env, protocol, endpoint):
        found = span_options(OTLPSettings(**settings), env)
        assert (found.transport.protocol, found.transport.endpoint) == (protocol, endpoint)

    def test_the_environment_fills_what_the_file_leaves_out(self):
        env = {
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret%20one,X=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x=2", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3", "OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": "250",
            "OTEL_RESOURCE_ATTRIBUTES": "a=b,team=ml%2Fops", "OTEL_SERVICE_NAME": "svc", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "99",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem", "OTEL_EXPORTER_OTLP_CLIENT_KEY": "k", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "c",
        }  # fmt: skip
        found = span_options(OTLPSettings(resource={"team": "mine"}), env)
        assert dict(found.transport.headers) == {"api-key": "secret one", "x": "2"}
        assert (found.transport.compression, found.transport.timeout_seconds, found.queue, found.batch, found.delay_seconds) == (
            "gzip",
            3,
            100,
            10,
            0.25,
        )
        assert dict(found.resource) == {"a": "b", "team": "mine", "service.name": "svc"}
        assert (
            found.max_value_length,
            found.transport.certificate,
            found.transport.client_key,
            found.transport.client_certificate,
        ) == (99, "ca.pem", "k", "c")
        assert "secret" not in repr(found)

    def test_the_file_goes_first(self):
        settings = OTLPSettings(
            compression="none", timeout="7s", queue=5, batch=2, delay="1s", headers={"X": "file"}, certificate="own.pem"
        )
        env = {
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
            "OTEL_BSP_SCHEDULE_DELAY": "1",
            "OTEL_EXPORTER_OTLP_HEADERS": "x=env",
        }
        found = span_options(settings, env)
        assert (found.transport.compression, found.transport.timeout_seconds, found.queue, found.batch, found.delay_seconds) == (
            "none",
            7,
            5,
            2,
            1,
        )
        assert dict(found.transport.headers) == {"x": "file"}

    def test_nonsense_in_the_environment_means_the_default(self):
        env = {"OTEL_BSP_MAX_QUEUE_SIZE": "many", "OTEL_BSP_SCHEDULE_DELAY": "-1", "OTEL_EXPORTER_OTLP_TIMEOUT": "inf"}
        found = span_options(OTLPSettings(), env)
        assert (found.queue, found.delay_seconds, found.transport.timeout_seconds) == (2048, 5, 10)

    def test_a_queue_smaller_than_a_batch_grows_to_it(self):
        assert span_options(OTLPSettings(queue=5, batch=50), {}).queue == 50

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_a_certificate_that_is_not_there_is_one_line(self, protocol):
        with pytest.raises(ConfigError, match=r"export.otlp.certificate: /nowhere.pem can't be read"):
            otlp_exporter(options(transport=Transport(protocol, "https://c:1", certificate="/nowhere.pem")))


def test_a_batched_request_links_to_every_caller_whose_rows_it_holds():
    others = [f"00-{TRACE}-{number:016x}-01" for number in (1, 2, 3)]
    header = ", ".join([*others, others[0], "nonsense", "00-" + "0" * 32 + "-" + "1" * 16 + "-01"])
    collected = Collected()
    emitter = SpanEmitter(options(), collected)
    emitter.emit(CaptureBatch("s", 1, [event(traceparent=PARENT, request_headers={"x-trace-links": header})]), NOTHING)
    assert emitter.stop(10)
    (span,) = collected.spans
    assert span.parent.span_id == int(CALLER, 16)
    assert [(link.context.trace_id, link.context.span_id) for link in span.links] == [(int(TRACE, 16), n) for n in (1, 2, 3)]
    assert all(link.context.is_remote for link in span.links)


def test_links_are_no_more_than_a_span_may_have():
    header = ",".join(f"00-{TRACE}-{number:016x}-01" for number in range(1, 500))
    collected = Collected()
    emitter = SpanEmitter(options(), collected)
    emitter.emit(CaptureBatch("s", 1, [event(request_headers={"x-trace-links": header})]), NOTHING)
    assert emitter.stop(10)
    assert len(collected.spans[0].links) == 128


def _firing(**changes):
    labels = {"model": "flights", "version": "3", "slo": "fast"}
    alert = AlertRow(
        "a1", "f1", "Too slow", "critical", "firing", "Too slow", "because", "rules", NOW - 60, NOW - 30, labels=labels
    )
    return replace(alert, **changes)


def _snapshot(time, *alerts):
    return Snapshot(time=time, started_at=NOW - 600, alerts=alerts)


def test_an_alert_is_an_event_of_the_next_inference_and_an_incident_is_a_span():
    shown, collected = SnapshotBoard(_snapshot(NOW - 90)), Collected()
    emitter = SpanEmitter(options(), collected, incidents=IncidentWatch(shown))

    def infer(name, model="flights"):
        emitter.emit(CaptureBatch("s", 1, [event(prediction_id=name, model=model, version="3")]), NOTHING)
        assert emitter.flush(10)

    infer("before")
    shown.publish(_snapshot(NOW - 30, _firing()))
    infer("other", model="other")
    infer("first")
    infer("second")
    shown.publish(_snapshot(NOW - 20, _firing(acknowledged_by="ada")))
    infer("third")
    shown.publish(_snapshot(NOW))
    infer("last")
    assert emitter.stop(10)
    told = {
        span.attributes.get("ml.inference.id"): [(one.attributes["neural.alert.state"], one.timestamp) for one in span.events]
        for span in collected.spans
    }
    states = [("firing", int((NOW - 30) * 1e9)), ("acknowledged", int((NOW - 20) * 1e9)), ("resolved", int(NOW * 1e9))]
    assert told == {
        "before": [], "other": [], "first": states[:1], "second": [], "third": states[1:2], "last": states[2:], None: states,
    }  # fmt: skip
    (incident,) = [span for span in collected.spans if span.name == "incident Too slow"]
    assert (incident.start_time, incident.end_time) == (int((NOW - 60) * 1e9), int(NOW * 1e9))
    assert (incident.parent, incident.kind) == (None, SpanKind.INTERNAL)
    assert incident.attributes["neural.alert.label.slo"] == "fast"
    assert incident.attributes["neural.alert.acknowledged_by"] == "ada"
    assert incident.resource.attributes["service.name"] == "neural-sidecar"
    stats = emitter.stats()
    assert stats["queued"] == stats["exported"] == 7


def test_an_alert_from_before_the_start_is_told_in_its_incident_only():
    shown, collected = SnapshotBoard(Snapshot(time=NOW, started_at=NOW - 5, alerts=(_firing(),))), Collected()
    emitter = SpanEmitter(options(), collected, incidents=IncidentWatch(shown))
    emitter.emit(CaptureBatch("s", 1, [event(model="flights", version="3")]), NOTHING)
    assert emitter.flush(10)
    shown.publish(Snapshot(time=NOW + 1, started_at=NOW - 5))
    emitter.emit(CaptureBatch("s", 2, [event(prediction_id="p2", model="flights", version="3")]), NOTHING)
    assert emitter.stop(10)
    first, *others = collected.spans
    assert not first.events
    assert sorted(len(span.events) for span in others) == [1, 2]


@pytest.mark.parametrize(
    ("env", "seconds"),
    [
        ({}, 10.0),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "3"}, 3.0),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "2500"}, 2.5),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "3", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "4000"}, 4.0),
        ({"OTEL_BSP_EXPORT_TIMEOUT": "1500"}, 1.5),
        ({"OTEL_METRIC_EXPORT_TIMEOUT": "1500"}, 10.0),
    ],
)
def test_timeouts_are_read_in_either_unit_and_the_shorter_holds(env, seconds):
    assert span_options(OTLPSettings(endpoint="http://c:4317"), env).transport.timeout_seconds == seconds


@pytest.mark.parametrize(
    ("endpoint", "insecure", "secure"),
    [
        ("c:4317", "", False),
        ("c:4317", "true", False),
        ("c:4317", "false", True),
        ("http://c:4317", "false", False),
        ("https://c", "true", True),
    ],
)
def test_tls_is_asked_for_by_scheme_or_variable(endpoint, insecure, secure):
    env = {"OTEL_EXPORTER_OTLP_INSECURE": insecure, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    assert span_options(None, env).transport.secure is secure


def test_a_span_has_no_more_attributes_and_links_than_the_environment_allows():
    env = {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_SPAN_LINK_COUNT_LIMIT": "1", "OTEL_SPAN_EVENT_COUNT_LIMIT": "1"}
    header = ",".join(f"00-{TRACE}-{number:016x}-01" for number in (1, 2))
    collected = Collected()
    emitter = SpanEmitter(span_options(OTLPSettings(endpoint="http://c:4317", delay="1h"), env), collected)
    emitter.emit(CaptureBatch("s", 1, [event(request_headers={"x-trace-links": header}, first_byte_ns=5)]), NOTHING)
    assert emitter.stop(10)
    (span,) = collected.spans
    assert (len(span.attributes), len(span.links), len(span.events)) == (3, 1, 1)
