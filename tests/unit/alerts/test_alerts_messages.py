"""What people read: the words under an alert, in each of its states."""

from __future__ import annotations

import pytest

from neural.monitoring.alerts.channels.email import build_message
from neural.monitoring.alerts.channels.log import LogChannel
from neural.monitoring.alerts.channels.slack import slack_message
from neural.monitoring.alerts.channels.teams import teams_body
from neural.monitoring.alerts.notification import duration_text, headline, lines_of, notification, worst

NOW = 1_700_000_000.0


def entry(**fields):
    base = {
        "alert_id": "a", "fingerprint": "f", "status": "firing", "repeat": False, "rule": "Data drift", "severity": "warning", "title": "Data drift",
        "message": "temp drifted: <= 10.94 °C: 0% in the reference, 85% now", "source": "drift", "model": "flights", "version": "1",
        "labels": {}, "annotations": {}, "runbook": "Is it the world, or a broken feed?", "started_at": NOW, "fired_at": NOW, "resolved_at": None,
        "evidence": {
            "reason": "temp drifted: <= 10.94 °C: 0% in the reference, 85% now", "n": 286, "command": "neural monitor drift --format json",
            "top_features": [{"feature": "temp", "value": 0.85, "moved": [{"bin": "<= 10.94", "reference": 0.0, "current": 0.85}]}, {"feature": "dewp", "value": 0.61}], "versions": {"before": "1", "after": "2", "changed_at": NOW - 60, "serving": ["2"]},
            "ledger": {"seen": 1200.0, "loss_ratio": 0.0, "unparsed_rate": 0.02},
            "examples": [{"row_id": "r-1:0", "trace_id": "ab" * 16, "why": "temp: <= 10.94"}, {"row_id": "r-2", "why": "temp: <= 10.94"}],
            "dashboard": "http://127.0.0.1:8052/?at=1700000000&model=flights",
        },
    }  # fmt: skip
    return {**base, **fields}


def message(*entries):
    return notification("m", "flights", NOW, entries)


def test_a_firing_alert_tells_what_a_person_needs_and_nothing_twice():
    assert lines_of(entry()) == [
        ("Features", "temp (<= 10.94: 0.0% → 85.0%); dewp (0.61)"),
        ("Events", "286"),
        ("Examples", f"r-1:0 (temp: <= 10.94, trace {'ab' * 16}); r-2 (temp: <= 10.94)"),
        ("Version", "2 since 2023-11-14 22:12:20 UTC, 1 before"),
        ("Capture", "1,200 requests seen, none lost, 2.00% not decoded"),
        ("Runbook", "Is it the world, or a broken feed?"),
        ("Look", "neural monitor drift --format json"),
        ("Dashboard", "http://127.0.0.1:8052/?at=1700000000&model=flights"),
    ]


def test_a_repeated_alert_says_how_it_is_now():
    again = entry(repeat=True, evidence={**entry()["evidence"], "latest_value": 0.912345})
    assert ("Now", "0.9123") in lines_of(again)
    assert "still firing" in slack_message(message(again))["blocks"][1]["text"]["text"]


def test_a_resolved_alert_is_brief():
    over = entry(status="resolved", resolved_at=NOW + 725, evidence={"ended": "the condition no longer holds"})
    assert lines_of(over) == [("Lasted", "12 min"), ("Ended because", "the condition no longer holds")]


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ([entry()], "[WARNING] Data drift · flights"),
        ([entry(), entry(severity="critical")], "[CRITICAL] 2 alerts · flights"),
        ([entry(status="resolved", resolved_at=NOW + 1)], "[RESOLVED] Data drift · flights"),
        (
            [entry(), entry(status="resolved", severity="critical", resolved_at=NOW + 1)],
            "[WARNING] Data drift, 1 resolved · flights",
        ),
    ],
    ids=["one", "the worst", "resolved", "what is over does not count"],
)
def test_the_headline_says_the_worst_that_fires(entries, line):
    assert headline(message(*entries)) == line
    assert build_message(message(*entries), "a@b", ["c@d"])["Subject"] == line


def test_every_form_holds_the_message_and_the_command():
    forms = [
        str(slack_message(message(entry()))),
        teams_body(message(entry())).decode(),
        build_message(message(entry()), "a@b", ["c@d"]).get_body(("plain",)).get_content(),
    ]
    for form in forms:
        assert "neural monitor drift" in form
    assert worst(message(entry(), entry(severity="info"))) == "warning"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (40, "40 s"), (725, "12 min"), (3600, "1 h"), (11_100, "3 h 5 min"), (187_200, "2 d 4 h"), (172_800, "2 d")],
)
def test_durations_read_well(seconds, text):
    assert duration_text(seconds) == text


def test_what_strangers_sent_can_not_forge_links_lines_or_escape_codes(caplog):
    evil = "carrier [win](https://evil.example) \x1b[31m\r\nBcc: x <!here>"
    one = message(entry(message=evil, title=evil, evidence={"reason": evil + "!"}))
    assert "](https" not in teams_body(one).decode()
    assert "<!here>" not in str(slack_message(one))
    with caplog.at_level("INFO", "neural.alerts"):
        LogChannel().send(one)
    assert not any(ord(character) < 32 for character in caplog.messages[0].partition("{")[0])
