from __future__ import annotations

import base64
import json
import socket

import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.ingest import CloudEventSettings, Deduplicator, EntryKind, IngestService, Journal, Refused
from neural.monitoring.ingest.cloudevent_http import read_half
from neural.wire.decode import decode_batch

NOW = 1_700_000_000.0
REQUEST = b'{"instances":[[1,2]]}'
RESPONSE = b'{"predictions":[1]}'


def kserve(kind: str, identity: str = "id-1", time: str = "2023-11-14T22:13:20Z", **more) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": identity,
        "ce-type": f"org.kubeflow.serving.inference.{kind}",
        "ce-source": "http://predictor",
        "ce-time": time,
        "ce-inferenceservicename": "fraud",
        "ce-namespace": "prod",
        "ce-endpoint": "default",
        "ce-component": "predictor",
        **more,
    }


@pytest.fixture
def house(tmp_path):
    clock, entries = ManualClock(NOW), []
    journal = Journal(tmp_path, clock=clock)
    settings = CloudEventSettings(max_pending=3, max_pending_bytes=1000, max_age_seconds=60)
    service = IngestService(journal, Deduplicator(), clock, None, entries.append, cloud_events=settings)
    yield service, clock, entries
    journal.close()


def events(entries):
    return [event for entry in entries if entry.kind is EntryKind.BATCH for event in decode_batch(entry.payload).events]


def ledger(service):
    (source,) = service.sources().values()
    assert source.ledger.balanced
    return source.ledger


@pytest.mark.parametrize("order", [("request", "response"), ("response", "request")], ids=" then ".join)
def test_halves_pair_in_either_order(house, order):
    service, _, entries = house
    halves = {
        "request": read_half(kserve("request"), REQUEST, now=NOW),
        "response": read_half(kserve("response", time="2023-11-14T22:13:20.250Z"), RESPONSE, now=NOW),
    }
    for name in order:
        service.accept_half(halves[name])
    (event,) = events(entries)
    assert (event.prediction_id, event.model, event.status) == ("id-1", "fraud", 200)
    assert (event.request_body, event.response_body) == (REQUEST, RESPONSE)
    assert event.started_unix_ns == int(NOW * 1e9)
    assert event.duration_ns == pytest.approx(250_000_000, abs=1000)
    assert ledger(service).seen == ledger(service).shipped == 1


def test_seldon_pairs_by_requestid_not_by_ce_id(house):
    service, _, entries = house
    for kind, identity, body in (("request", "x1", REQUEST), ("response", "x2", RESPONSE)):
        headers = {
            "content-type": "application/json", "ce-id": identity, "ce-requestid": "puid-7", "ce-modelid": "income",
            "ce-type": f"io.seldon.serving.inference.{kind}",
        }  # fmt: skip
        service.accept_half(read_half(headers, body, now=NOW))
    (event,) = events(entries)
    assert (event.prediction_id, event.model) == ("puid-7", "income")


def test_a_half_that_waits_too_long_is_dropped_and_accounted_for(house):
    service, clock, entries = house
    service.accept_half(read_half(kserve("request"), REQUEST, now=NOW))
    clock.advance(61)
    service.append(3, b"{}")
    assert events(entries) == []
    assert ledger(service).dropped == {"unpaired_request": 1}
    service.accept_half(read_half(kserve("response"), RESPONSE, now=NOW))  # its other half is gone
    clock.advance(61)
    service.append(3, b"{}")
    assert ledger(service).dropped == {"unpaired_request": 1, "unpaired_response": 1}


def test_the_oldest_halves_go_when_too_many_wait(house):
    service, _, _ = house
    for number in range(5):
        service.accept_half(read_half(kserve("request", f"id-{number}"), REQUEST, now=NOW))
    assert service.stats()["cloudevents.waiting"] == 3
    assert ledger(service).dropped == {"unpaired_request": 2}
    assert ledger(service).seen == 5


def test_waiting_bytes_are_bounded(house):
    service, _, _ = house
    service.accept_half(read_half(kserve("request", "big-1"), b"x" * 800, now=NOW))
    service.accept_half(read_half(kserve("request", "big-2"), b"x" * 800, now=NOW))
    assert service.stats()["cloudevents.waiting"] == 1


def test_the_same_half_twice_is_a_repeat(house):
    service, _, entries = house
    for _ in range(2):
        service.accept_half(read_half(kserve("request"), REQUEST, now=NOW))
    service.accept_half(read_half(kserve("response"), RESPONSE, now=NOW))
    assert len(events(entries)) == 1
    assert service.stats()["cloudevents.repeats"] == 1


def test_nothing_an_event_names_is_fetched(house):
    """Attributes that are addresses stay text, whoever put them there: a listener behind them hears nothing."""
    service, _, entries = house
    with socket.create_server(("127.0.0.1", 0)) as inner:
        inner.settimeout(0.2)
        address = f"http://127.0.0.1:{inner.getsockname()[1]}/latest/meta-data"
        named = {"ce-source": address, "ce-dataschema": address, "ce-datacontenttype": "application/json", "ce-dataref": address}
        for kind, body in (("request", REQUEST), ("response", RESPONSE)):
            service.accept_half(read_half(kserve(kind, **named), body, now=NOW))
        with pytest.raises(TimeoutError):
            inner.accept()
    assert len(events(entries)) == 1


def test_canaries_and_transformers_are_told_apart():
    canary = read_half(kserve("request", **{"ce-endpoint": "canary"}), REQUEST, now=NOW)
    assert (canary.model, canary.version) == ("fraud", "canary")
    transformer = read_half(kserve("request", **{"ce-component": "transformer"}), REQUEST, now=NOW)
    assert transformer.model == "fraud-transformer"


def test_metadata_headers_statuscode_and_trace_are_taken_over():
    half = read_half(
        kserve("response", **{"ce-metadata": '{"X-Tenant":["a"]}', "ce-statuscode": "503", "ce-traceparent": "00-abc"}),
        b"",
        now=NOW,
    )
    assert (half.headers, half.status, half.traceparent) == ({"x-tenant": "a"}, 503, "00-abc")


@pytest.mark.parametrize("encoded", [False, True], ids=["data", "data_base64"])
def test_structured_mode_is_read_too(encoded):
    envelope = {
        "specversion": "1.0",
        "id": "s1",
        "type": "org.kubeflow.serving.inference.request",
        "inferenceservicename": "fraud",
    }
    envelope |= {"data_base64": base64.b64encode(REQUEST).decode()} if encoded else {"data": json.loads(REQUEST)}
    half = read_half({"content-type": "application/cloudevents+json; charset=utf-8"}, json.dumps(envelope).encode(), now=NOW)
    assert (half.identity, half.model, json.loads(half.body)) == ("s1", "fraud", json.loads(REQUEST))


def test_other_cloudevents_are_none_of_ours():
    assert read_half({"ce-id": "1", "ce-type": "io.seldon.serving.inference.outlier"}, b"{}", now=NOW) is None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"{}"),
        ({"ce-type": "org.kubeflow.serving.inference.request"}, b"{}"),
        ({"content-type": "application/cloudevents+json"}, b"{broken"),
        ({"content-type": "application/cloudevents+json"}, b"[1]"),
        ({"content-type": "application/cloudevents+json"}, b'{"id":"1","type":"t","data_base64":"%%%"}'),
    ],
    ids=["no attributes", "no id", "broken envelope", "envelope is no object", "bad base64"],
)
def test_what_is_no_cloudevent_is_refused(headers, body):
    with pytest.raises(Refused) as refused:
        read_half(headers, body, now=NOW)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "time", ["1960-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "yesterday", ""]
)
def test_a_time_that_cannot_be_is_the_time_of_arrival(house, time):
    service, _, entries = house
    for kind, body in (("request", REQUEST), ("response", RESPONSE)):
        service.accept_half(read_half(kserve(kind, time=time), body, now=NOW))
    (event,) = events(entries)
    assert (event.started_unix_ns, event.duration_ns) == (int(NOW) * 10**9, 0)
    assert ledger(service).shipped == 1
