"""Every channel passes the same suite: what it sends, what it makes of the answer, and that it never raises, redirects or shows a secret."""

from __future__ import annotations

import json
import logging
import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from neural.monitoring.alerts.channels.alertmanager import AlertmanagerChannel
from neural.monitoring.alerts.channels.log import LogChannel
from neural.monitoring.alerts.channels.pagerduty import PagerDutyChannel
from neural.monitoring.alerts.channels.slack import SlackChannel
from neural.monitoring.alerts.channels.teams import TeamsChannel
from neural.monitoring.alerts.channels.webhook import WebhookChannel
from neural.monitoring.alerts.notification import notification, test_notification

NOW = 1_700_000_000.0
SECRET = "s3cr3t-token"


def entry(**fields):
    base = {
        "alert_id": "a1", "fingerprint": "f1", "status": "firing", "repeat": False, "rule": "High Error Rate", "severity": "critical",
        "title": "High Error Rate", "message": "Error rate is 8.00% <!channel> & more", "source": "error_rate", "model": "flights", "version": "3",
        "labels": {"model": "flights", "version": "3"}, "annotations": {"team": "ml"}, "runbook": "https://wiki/errors", "started_at": NOW - 60,
        "fired_at": NOW, "resolved_at": None,
        "evidence": {"reason": "error_rate > 0.05 (error_rate is 0.08)", "n": 500, "command": "neural monitor status",
                     "top_features": [{"feature": "temp", "value": 0.9, "signal": "drift.feature_score", "reason": ""}], "versions": {"before": "3", "after": "4", "changed_at": 1.0, "serving": ["4"]},
                     "ledger": {"seen": 10.0, "loss_ratio": 0.01}, "dashboard": "http://dash/?until=1"},
    }  # fmt: skip
    return {**base, **fields}


def message(*entries):
    return notification("m1", "flights", NOW, entries or [entry()])


RESOLVED = entry(status="resolved", resolved_at=NOW + 60)


class Endpoint:
    """A raw HTTP server that answers as told and remembers what it was sent."""

    def __init__(self):
        self.requests, self.plan = [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/{SECRET}"
        self._release = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._release.set()
        self._listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                data += chunk
            head, _, body = data.partition(b"\r\n\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])}
            while len(body) < int(headers.get("content-length", 0)):
                body += connection.recv(65536)
            self.requests.append((head.decode().split(" ")[1], headers, body))
            act = self.plan.pop(0) if self.plan else ("answer", 200, "ok", {})
            self._act(connection, *act)

    def _act(self, connection, what, *args):
        if what == "answer":
            status, text, headers = args
            extra = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
            connection.sendall(
                f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n{extra}\r\n{text}".encode()
            )
        elif what == "stall":
            self._release.wait(10)
        elif what == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif what == "half":
            connection.sendall(f"HTTP/1.1 {args[0]} X\r\nContent-Length: 100\r\n\r\nok".encode())
        elif what == "garbage":
            connection.sendall(b"\x00\x01garbage\r\n\r\n")


@pytest.fixture
def endpoint():
    one = Endpoint()
    yield one
    one.close()


def slack(url, timeout=2.0):
    return SlackChannel(url, timeout=timeout)


def teams(url, timeout=2.0):
    return TeamsChannel(url, timeout=timeout)


def webhook(url, timeout=2.0):
    return WebhookChannel(url, secret=SECRET, timeout=timeout, clock=lambda: NOW)


def pagerduty(url, timeout=2.0):
    return PagerDutyChannel(SECRET, url=url, timeout=timeout)


def alertmanager(url, timeout=2.0):
    return AlertmanagerChannel([url], timeout=timeout, clock=lambda: NOW)


HTTP = pytest.mark.parametrize("build", [slack, teams, webhook, pagerduty, alertmanager], ids=lambda build: build.__name__)


@contextmanager
def opened(channel):
    try:
        yield channel
    finally:
        channel.close()


@HTTP
def test_an_accepted_message_is_delivered_as_json_in_one_request(build, endpoint):
    with opened(build(endpoint.url)) as channel:
        assert channel.send(message()).ok
    [(path, headers, body)] = endpoint.requests
    assert path.startswith(f"/{SECRET}")
    assert headers["content-type"] == "application/json"
    assert "High Error Rate" in body.decode()
    json.loads(body)


@HTTP
@pytest.mark.parametrize(
    ("act", "retryable", "ambiguous"),
    [
        (("answer", 500, "no", {}), True, False),
        (("answer", 503, "no", {}), True, True),
        (("answer", 429, "slow down", {"Retry-After": "7"}), True, False),
        (("answer", 400, "bad", {}), False, False),
        (("answer", 404, "gone", {}), False, False),
        (("answer", 302, "", {"Location": "http://127.0.0.1:1/evil"}), False, False),
        (("stall",), True, True),
        (("reset",), True, True),
        (("garbage",), True, True),
        (("half", 500), True, False),
    ],
    ids=["500", "503", "429", "400", "404", "302", "stall", "reset", "garbage", "500 cut off"],
)
def test_a_failure_says_whether_to_try_again_and_whether_it_may_have_arrived(build, endpoint, act, retryable, ambiguous):
    endpoint.plan = [act]
    with opened(build(endpoint.url, timeout=0.3)) as channel:
        result = channel.send(message())
    assert (result.ok, result.retryable, result.ambiguous) == (False, retryable, ambiguous)
    assert result.detail
    assert SECRET not in result.detail
    assert len(endpoint.requests) == 1, "a redirect was followed"
    if act[1:2] == (429,):
        assert result.retry_after_seconds == 7.0


@HTTP
def test_nobody_listening_is_worth_another_try_and_not_ambiguous(build):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with opened(build(f"http://127.0.0.1:{port}/{SECRET}")) as channel:
        result = channel.send(message())
    assert (result.ok, result.retryable, result.ambiguous) == (False, True, False)
    assert SECRET not in result.detail


@HTTP
def test_a_resolved_alert_and_a_test_message_can_be_sent(build, endpoint):
    with opened(build(endpoint.url)) as channel:
        assert channel.send(message(RESOLVED)).ok
        assert channel.send(test_notification("t1", NOW, channel.name)).ok


@HTTP
def test_fifty_alerts_with_long_texts_stay_within_the_receivers_limits(build, endpoint):
    many = [entry(title="T" * 400, message="M" * 4000, alert_id=str(i), fingerprint=str(i)) for i in range(50)]
    with opened(build(endpoint.url)) as channel:
        assert channel.send(message(*many)).ok


@HTTP
def test_its_representation_shows_no_secret(build, endpoint):
    with opened(build(endpoint.url)) as channel:
        assert SECRET not in repr(channel)
        assert channel.policy.min_interval >= 0


def test_slack_keeps_its_limits_and_no_text_can_call_the_channel(endpoint):
    many = [entry(title="T" * 400, message="M" * 4000) for _ in range(60)]
    with opened(slack(endpoint.url)) as channel:
        channel.send(message(*many))
        channel.send(message())
    big, small = (json.loads(body) for _, _, body in endpoint.requests)
    assert len(big["blocks"]) <= 50
    assert len(big["blocks"][0]["text"]["text"]) <= 150
    assert all(len(block["text"]["text"]) <= 3000 for block in big["blocks"] if block["type"] == "section")
    text = small["blocks"][1]["text"]["text"]
    assert "&lt;!channel&gt; &amp; more" in text
    assert "<!channel>" not in json.dumps(small)


def test_slack_takes_only_ok_for_success(endpoint):
    endpoint.plan = [("answer", 200, "no_service", {})]
    with opened(slack(endpoint.url)) as channel:
        result = channel.send(message())
    assert not result.ok
    assert "no_service" in result.detail


def test_a_webhook_is_signed_and_names_its_schema(endpoint):
    import hashlib
    import hmac

    with opened(webhook(endpoint.url)) as channel:
        channel.send(message())
    [(_, headers, body)] = endpoint.requests
    stamp, digest = (part.split("=")[1] for part in headers["x-neural-signature"].split(","))
    assert digest == hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["idempotency-key"] == "m1"
    assert json.loads(body)["schema_version"] == 1


def test_a_webhook_can_speak_alertmanagers_form(endpoint):
    with opened(WebhookChannel(endpoint.url, form="alertmanager")) as channel:
        channel.send(message(entry(), RESOLVED))
    body = json.loads(endpoint.requests[0][2])
    assert body["version"] == "4"
    assert [alert["status"] for alert in body["alerts"]] == ["firing", "resolved"]
    assert body["commonLabels"]["alertname"] == "High Error Rate"
    assert body["alerts"][0]["endsAt"].startswith("0001")


def test_pagerduty_resolves_with_the_key_it_triggered_with(endpoint):
    with opened(pagerduty(endpoint.url)) as channel:
        channel.send(message())
        channel.send(message(RESOLVED))
    trigger, resolve = (json.loads(body) for _, _, body in endpoint.requests)
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"] == "f1"
    assert trigger["payload"]["severity"] == "critical"


def test_alertmanager_labels_are_identity_and_a_firing_alert_ends_by_itself(endpoint):
    with opened(alertmanager(endpoint.url)) as channel:
        channel.send(message(entry(labels={"model": "flights", "team-name": "ml"})))
        channel.send(message(RESOLVED))
    path, _, body = endpoint.requests[0]
    [alert] = json.loads(body)
    assert path.endswith("/api/v2/alerts")
    assert alert["labels"] == {"model": "flights", "team_name": "ml", "alertname": "High Error Rate", "severity": "critical"}
    assert alert["endsAt"] == "2023-11-14T22:17:20.000Z"
    assert json.loads(endpoint.requests[1][2])[0]["endsAt"] == "2023-11-14T22:14:20.000Z"


def test_alertmanager_tells_every_instance_and_one_is_enough(endpoint):
    other = Endpoint()
    other.plan = [("answer", 500, "", {})]
    with opened(AlertmanagerChannel([endpoint.url, other.url], clock=lambda: NOW)) as channel:
        result = channel.send(message())
    other.close()
    assert result.ok
    assert "1 of 2 instances failed" in result.detail
    assert len(endpoint.requests) == len(other.requests) == 1


def test_the_log_channel_writes_one_structured_line_an_alert(caplog):
    with caplog.at_level(logging.INFO, "neural.alerts"):
        assert LogChannel().send(message(entry(message="line\nbreak"), RESOLVED)).ok
    first, second = caplog.records
    assert (first.levelno, second.levelno) == (logging.ERROR, logging.INFO)
    assert "\n" not in first.getMessage()
    assert first.alert["rule"] == "High Error Rate"
    assert second.getMessage().startswith("[RESOLVED]")
