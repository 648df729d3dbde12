"""What a span says, whose child it is, and what happens when the collector doesn't keep up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from export_fakes import NOW, board, rows, traffic
from opentelemetry.trace import SpanKind, StatusCode
from span_fakes import CALLER, NOTHING, PARENT, SERVER, START, TRACE, Collected, batch, event, options, told

from neural.monitoring.decode import Decoded
from neural.monitoring.decode.parsed import Unparsed
from neural.monitoring.export import IncidentWatch, board_verdicts, span_options
from neural.monitoring.export.span_export import SCHEMA_URL
from neural.monitoring.export.spans import SpanEmitter
from neural.monitoring.export.trace_context import parse_traceparent
from neural.monitoring.settings import OTLPSettings
from neural.monitoring.store import AlertRow
from neural.monitoring.views import Snapshot, SnapshotBoard
from neural.wire import CaptureBatch, Flag, Outcome, Protocol


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


def test_a_span_has_no_more_attributes_and_links_than_the_environment_allows():
    env = {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_SPAN_LINK_COUNT_LIMIT": "1", "OTEL_SPAN_EVENT_COUNT_LIMIT": "1"}
    header = ",".join(f"00-{TRACE}-{number:016x}-01" for number in (1, 2))
    collected = Collected()
    emitter = SpanEmitter(span_options(OTLPSettings(endpoint="http://c:4317", delay="1h"), env), collected)
    emitter.emit(CaptureBatch("s", 1, [event(request_headers={"x-trace-links": header}, first_byte_ns=5)]), NOTHING)
    assert emitter.stop(10)
    (span,) = collected.spans
    assert (len(span.attributes), len(span.links), len(span.events)) == (3, 1, 1)
