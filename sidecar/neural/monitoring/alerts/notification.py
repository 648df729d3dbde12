"""The message before it takes a channel's form: JSON-able, versioned, and what the outbox keeps.

    {"schema_version": 1, "id": …, "status": "firing" | "resolved" | "test", "group": model, "created_at": …, "alerts": [entry, …]}

An entry: alert_id, fingerprint, status ("firing", "resolved"), repeat, rule, severity, title, message, source, model, version, labels, annotations,
runbook, started_at, fired_at, resolved_at, evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from neural.monitoring.alerts.names import AlertSeverity
from neural.monitoring.alerts.rule import Rule
from neural.monitoring.store.rows import AlertRow

SCHEMA_VERSION = 1
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SHOWN_EXAMPLES = 3
MOST_ALERTS = 50
"""Alerts in one message; more go into the next."""


def entry_of(row: AlertRow, rule: Rule | None, *, repeat: bool = False) -> dict[str, Any]:
    """One alert as a message carries it."""
    return {
        "alert_id": row.alert_id,
        "fingerprint": row.fingerprint,
        "status": "resolved" if row.resolved_at is not None else "firing",
        "repeat": repeat,
        "rule": row.rule,
        "severity": row.severity,
        "title": row.title,
        "message": row.message,
        "source": row.source,
        "model": row.labels.get("model", ""),
        "version": row.labels.get("version", ""),
        "labels": dict(row.labels),
        "annotations": dict(rule.annotations) if rule else {},
        "runbook": rule.runbook if rule else "",
        "started_at": row.started_at,
        "fired_at": row.fired_at,
        "resolved_at": row.resolved_at,
        "evidence": dict(row.evidence),
    }


def notification(
    message_id: str, group: str, created_at: float, entries: Sequence[Mapping[str, Any]], status: str = ""
) -> dict[str, Any]:
    """A message of one or more alerts."""
    overall = status or ("firing" if any(entry["status"] == "firing" for entry in entries) else "resolved")
    return {
        "schema_version": SCHEMA_VERSION,
        "id": message_id,
        "status": overall,
        "group": group,
        "created_at": created_at,
        "alerts": [dict(entry) for entry in sorted(entries, key=_urgency)],
    }


def _urgency(entry: Mapping[str, Any]) -> int:
    """What fires before what is over, the worst first."""
    return -AlertSeverity(entry["severity"]).rank if entry["status"] != "resolved" else 1


def test_notification(message_id: str, now: float, channel: str) -> dict[str, Any]:
    """What ``neural monitor alerts test`` sends."""
    entry = {
        "alert_id": message_id, "fingerprint": "test", "status": "firing", "repeat": False, "rule": "Test", "severity": "info",
        "title": "Test message", "message": f"This is a test of the channel {channel!r}: nothing is wrong.", "source": "test",
        "model": "", "version": "", "labels": {}, "annotations": {}, "runbook": "", "started_at": now, "fired_at": now, "resolved_at": None,
        "evidence": {"reason": "somebody asked for a test message"},
    }  # fmt: skip
    return notification(message_id, "test", now, [entry], "test")


test_notification.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def one_line(text: str) -> str:
    """Without control characters: texts hold what strangers sent (category names, say), and must not add lines, headers or escape codes."""
    return _CONTROL.sub(" ", text).strip()


def headline(message: Mapping[str, Any]) -> str:
    """One line: '[CRITICAL] High Error Rate · flights', '[WARNING] 2 alerts, 1 resolved · flights' or '[RESOLVED] 3 alerts · flights'."""
    alerts = [entry for entry in message["alerts"] if entry["status"] == "firing"] or message["alerts"]
    over = len(message["alerts"]) - len(alerts)
    status = (
        "RESOLVED" if message["status"] == "resolved" else "TEST" if message["status"] == "test" else str(worst(message)).upper()
    )
    what = (alerts[0]["title"] if len(alerts) == 1 else f"{len(alerts)} alerts") + (f", {over} resolved" if over else "")
    return one_line(f"[{status}] {what}" + (f" · {message['group']}" if message["group"] and message["status"] != "test" else ""))


def worst(message: Mapping[str, Any]) -> AlertSeverity:
    """The worst severity among what fires; of all, when nothing does."""
    alerts = [entry for entry in message["alerts"] if entry["status"] == "firing"] or message["alerts"]
    return max(
        (AlertSeverity(entry["severity"]) for entry in alerts), key=lambda severity: severity.rank, default=AlertSeverity.INFO
    )


def lines_of(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(heading, text) pairs that chat and mail show under the message, most useful first. What is over is told in brief."""
    evidence: Mapping[str, Any] = entry["evidence"]
    if entry["status"] == "resolved":
        lasted = entry["resolved_at"] - (entry["fired_at"] or entry["started_at"])
        return [("Lasted", duration_text(lasted)), ("Ended because", str(evidence.get("ended", "")))]
    reason = str(evidence.get("reason", ""))
    pairs = [("Why", "" if reason in entry["message"] else reason)]
    if entry["repeat"] and evidence.get("latest_value") is not None:
        pairs.append(("Now", f"{evidence['latest_value']:.4g}"))
    if features := evidence.get("top_features"):
        pairs.append(("Features", "; ".join(_feature(one) for one in features)))
    if evidence.get("n") is not None:
        pairs.append(("Events", f"{evidence['n']:,}"))
    pairs += [
        ("Examples", _examples(evidence.get("examples", ()))),
        ("Version", _versions(evidence.get("versions", {}))),
        ("Capture", _ledger(evidence.get("ledger", {}))),
    ]
    pairs += [
        ("Runbook", str(entry["runbook"])),
        ("Look", str(evidence.get("command", ""))),
        ("Dashboard", str(evidence.get("dashboard", ""))),
    ]
    return [(heading, text) for heading, text in pairs if text and text != entry["message"]]


def _feature(one: Mapping[str, Any]) -> str:
    """ "temp (<= 10.94: 0.0% → 16.9%)": what moved most, where that is known."""
    moved = one.get("moved")
    if not moved:
        return f"{one['feature']} ({one['value']:.3g})"
    first = moved[0]
    return f"{one['feature']} ({first['bin']}: {first['reference']:.1%} → {first['current']:.1%})"


def _examples(examples: Sequence[Mapping[str, Any]]) -> str:
    shown = [f"{one['row_id']} ({one['why']}{', trace ' + one['trace_id'] if one.get('trace_id') else ''})" for one in examples]
    return "; ".join(shown[:_SHOWN_EXAMPLES])


def _versions(versions: Mapping[str, Any]) -> str:
    if not versions:
        return ""
    if "changed_at" not in versions or versions["before"] == versions["after"]:
        return str(versions["after"])
    at = datetime.fromtimestamp(versions["changed_at"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{versions['after']} since {at}, {versions['before']} before"


def _ledger(ledger: Mapping[str, Any]) -> str:
    """How far what the alert rests on was seen whole."""
    parts = [f"{ledger['seen']:,.0f} requests seen"] if "seen" in ledger else []
    if "loss_ratio" in ledger:
        parts.append("none lost" if ledger["loss_ratio"] == 0 else f"{ledger['loss_ratio']:.2%} lost")
    if ledger.get("unparsed_rate"):
        parts.append(f"{ledger['unparsed_rate']:.2%} not decoded")
    return ", ".join(parts)


def duration_text(seconds: float) -> str:
    """'40 s', '12 min', '3 h 5 min', '2 d 4 h'."""
    if seconds < 120:
        return f"{max(seconds, 0.0):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
