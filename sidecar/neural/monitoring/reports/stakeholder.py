"""The stakeholders' report: one HTML file from the answers of the reading commands."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from neural.monitoring.reports.page import page
from neural.monitoring.reports.tables import html_table
from neural.monitoring.reports.words import (
    CHECKS,
    NOTHING,
    ago,
    between,
    checked,
    clock_time,
    number,
    percent,
    printable,
    seconds,
    with_interval,
)  # fmt: skip
from neural.monitoring.store import Store
from neural.monitoring.views import ask
from neural.monitoring.views.performance import CLASS_METRICS, segment_metrics, worst

MOST_ROWS = 25
DEFAULT_HOURS = 168.0
"""How far back alerts go."""
_SENTENCE = {
    "healthy": "All is well.",
    "warning": "Something deserves a look.",
    "critical": "Something is wrong and needs somebody now.",
    "no_data": "Nothing has been measured yet.",
}
Answers = Mapping[str, dict[str, Any]]


def questions(
    *, model: str | None = None, version: str | None = None, at: float | None = None, hours: float = DEFAULT_HOURS
) -> dict[str, dict[str, Any]]:
    """What the report asks of the views, and with what. ``at``: as it was at that time, in Unix seconds."""
    which = {"model": model, "version": version, "at": at}
    about_model = dict.fromkeys(("status", "drift", "quality", "performance", "slo"), which)
    return {**about_model, "alerts": {"hours": hours, "at": at}, "ledger": {"at": at}}


def stakeholder_html(store: Store, now: float, **wanted: Any) -> str:
    """The report on what ``store`` holds; ``wanted`` as ``questions`` takes it."""
    return report_html({name: ask(name, store, now, how) for name, how in questions(**wanted).items()})


def report_html(answers: Answers) -> str:
    """One self-contained page. ``answers``: question → answer, for each of ``questions``."""
    answers = printable(answers)
    status = answers["status"]
    name = f"{status['model']['name']} {status['model']['version']}".strip() or "Model"
    body = "".join(
        (_summary(status), _slos(answers["slo"]), _drift(answers["drift"]), _quality(answers["quality"]),
         _performance(answers["performance"]), _alerts(answers["alerts"]), _capture(answers["ledger"]))
    )  # fmt: skip
    return page(f"{name}: monitoring report", f"As of {clock_time(status['timestamp'])} UTC", body)


def _e(value: object) -> str:
    return html.escape(str(value))


def _section(title: str, word: str, *parts: str) -> str:
    badge = f' <span class="{_e(word)}">{_e(word.replace("_", " "))}</span>' if word else ""
    return f"<section><h2>{_e(title)}{badge}</h2>{''.join(parts)}</section>"


def _text(text: str, style: str = "") -> str:
    return f'<p class="{style}">{_e(text)}</p>' if text else ""


def _summary(status: dict[str, Any]) -> str:
    found = status["predictions"]
    issues = "".join(f"<li>{_e(issue)}</li>" for issue in status["issues"])
    tiles = [
        ("Predictions", number(status["total_predictions"])),
        ("Requests a second", NOTHING if found["rate"] is None else f"{found['rate']:.1f}"),
        ("Latency p95", seconds(found["latency"]["p95"])),
        ("Errors", percent(status["error_rate"])),
        ("Alerts in 24 h", number(status["alerts"]["total_alerts"])),
        ("Last evaluation", ago(status["last_evaluation"], status["timestamp"])),
    ]
    drawn = "".join(f'<div class="tile"><span>{_e(label)}</span><b>{_e(value)}</b></div>' for label, value in tiles)
    past = status["history"]
    lines = [
        ("Traffic, requests a second", line(past["rate"])),
        ("Errors", line(past["error_rate"], percent)),
        ("Latency p95", line(past["latency_p95"], seconds)),
    ]
    charts = "".join(f"<h3>{_e(label)}</h3>{drawn_line}" for label, drawn_line in lines if drawn_line)
    return _section(
        "Summary",
        status["status"],
        _text(_SENTENCE[status["status"]]),
        f"<ul>{issues}</ul>" if issues else "",
        f'<div class="tiles">{drawn}</div>',
        charts,
    )


def line(points: Sequence[Sequence[float | None]], say: Callable[[float | None], str] = number) -> str:
    """[time, value] pairs as a small SVG line, its range said by ``say``; gaps where a value is missing. "" with fewer than two values."""
    known = [value for _, value in points if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    span = high - low or 1.0
    pieces: list[list[str]] = [[]]
    for index, (_, value) in enumerate(points):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{100 * index / (len(points) - 1):.2f},{28 - 26 * (value - low) / span:.2f}")
    drawn = "".join(f'<polyline points="{" ".join(piece)}"/>' for piece in pieces if len(piece) > 1)
    label = f"steady at {say(low)}" if low == high else f"from {say(low)} to {say(high)}"
    return f'<svg viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label="{label}">{drawn}</svg><p class="dim">{label}</p>'


def _slos(answer: dict[str, Any]) -> str:
    rows = [
        (
            name,
            one["status"].replace("_", " "),
            percent(one["compliance_rate"], 3),
            percent(one["target"], 3),
            percent(one["error_budget_remaining"], 1),
            one["reason"],
        )
        for name, one in answer["slos"].items()
    ]
    if not rows:
        return _section("Objectives", "no_data", _text("No objectives are set, or nothing has been measured yet.", "dim"))
    return _section("Objectives", "", html_table(("objective", "state", "compliance", "target", "budget left", "why"), rows))


def _drift(answer: dict[str, Any]) -> str:
    now = answer["current"]
    columns = ("feature", "state", "score", "KS", "PSI", "Wasserstein", "why")
    rows = [
        (one["feature"], one["outcome"], *(number(one[key]) for key in ("score", "ks", "psi", "wasserstein")), _why(one))
        for one in now["features"][:MOST_ROWS]
    ]
    parts = (_text(now["reason"]), line(now["history"]), html_table(columns, rows) if rows else "")
    return _section("Drift", _word(now["outcome"]), *parts, _more(len(now["features"])))


def _quality(answer: dict[str, Any]) -> str:
    now = answer["current"]
    rates = ("missing", "outlier", "invalid", "unseen", "stale")
    worth = [one for one in now["features"] if one["outcome"] == "bad" or any(one[f"{rate}_rate"] for rate in rates)]
    rows = [
        (one["feature"], one["outcome"], *(percent(one[f"{rate}_rate"]) for rate in rates), _why(one))
        for one in worth[:MOST_ROWS]
    ]
    score = f"Score {number(now['score'])}" if now["score"] is not None else ""
    table = html_table(("feature", "state", "missing", "outliers", "invalid", "unseen", "stale", "why"), rows) if rows else ""
    checks = [(CHECKS[name][0], checked(name, one), one["outcome"], one["reason"]) for name, one in now["checks"].items()]
    whole = html_table(("check", "now", "state", "why"), checks) if checks else ""
    return _section(
        "Data quality", _word(now["outcome"]), _text(now["reason"]), _text(score, "dim"), table, _more(len(worth)), whole
    )


def _performance(answer: dict[str, Any]) -> str:
    if not answer["metrics"]:
        return _section("Performance", "no_data", _text("No true outcomes have come in yet.", "dim"))
    rows = [
        (name, number(one["value"], 4), between(one["interval"], 4), one["verdict"]["reason"] if one["verdict"] else "")
        for name, one in answer["metrics"].items()
    ]
    coverage = f"{number(answer['labels'])} true outcomes, for {percent(answer['coverage'], 1)} of the predictions"
    return _section(
        "Performance", "", _text(coverage, "dim"), html_table(("metric", "value", "interval", "why"), rows), *_by_part(answer)
    )


def _by_part(answer: dict[str, Any]) -> Iterator[str]:
    """By class and by segment, each value with its interval."""
    classes, segments = answer["classes"][:MOST_ROWS], answer["segments"][:MOST_ROWS]
    if classes:
        rows = [
            (one["class"], number(one["labels"]), *(with_interval(one["metrics"].get(name)) for name in CLASS_METRICS))
            for one in classes
        ]
        yield "<h3>By class</h3>" + html_table(("class", "labels", *CLASS_METRICS), rows)
    if segments:
        names = segment_metrics(segments)
        found = [
            (
                one["segment"],
                one["outcome"],
                number(one["labels"]),
                *(with_interval(one["metrics"].get(name)) for name in names),
                worst(one),
            )
            for one in segments
        ]
        yield (
            "<h3>By segment</h3>"
            + html_table(("segment", "state", "labels", *names, "why"), found)
            + _more(len(answer["segments"]))
        )


def _alerts(answer: dict[str, Any]) -> str:
    rows = [
        (
            one["severity"],
            one["state"],
            clock_time(one["fired_at"]),
            clock_time(one["resolved_at"]),
            one["title"] or one["rule"],
            one["message"],
        )
        for one in answer["alerts"][:MOST_ROWS]
    ]
    title = f"Alerts of the last {number(answer['time_period_hours'])} h"
    if not rows:
        return _section(title, "", _text("None fired.", "dim"))
    columns = ("severity", "state", "fired (UTC)", "resolved (UTC)", "alert", "message")
    return _section(title, "firing" if answer["firing"] else "", html_table(columns, rows), _more(len(answer["alerts"])))


def _capture(answer: dict[str, Any]) -> str:
    if answer["status"] == "no_data":
        return _section("What this report rests on", "", _text("No account of requests is kept for that time.", "dim"))
    ledger = answer["ledger"]
    dropped = ", ".join(f"{reason} {count:,}" for reason, count in ledger["dropped"].items()) or "none"
    said = f"{ledger['seen']:,} requests seen: {ledger['shipped']:,} looked at, {ledger['sampled_out']:,} left out by sampling, dropped: {dropped}."
    balance = "Every request is accounted for." if ledger["balanced"] else "The account does not add up."
    return _section("What this report rests on", "", _text(said), _text(balance, "dim"))


def _why(row: dict[str, Any]) -> str:
    return str(row["reason"]) if row["outcome"] == "bad" else ""


def _word(outcome: str) -> str:
    return "no_data" if outcome == "unknown" else outcome


def _more(count: int) -> str:
    return _text(f"… and {count - MOST_ROWS} more", "dim") if count > MOST_ROWS else ""
