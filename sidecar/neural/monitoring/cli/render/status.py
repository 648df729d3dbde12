"""``status`` and ``health`` as text."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from neural.monitoring.cli.render.console import facts, heading, sentence, spark, state, style_of
from neural.monitoring.cli.render.slo import slo_table
from neural.monitoring.reports.words import ago, number, percent, seconds

_MARKS = {"healthy": "✓", "warning": "!", "critical": "✗", "no_data": "·"}


def render_status(console: Console, answer: dict[str, Any]) -> None:
    model, now = answer["model"], answer["timestamp"]
    heading(console, f"{model['name'] or 'model'} {model['version']}".strip(), answer["status"], _when(answer))
    for issue in answer["issues"]:
        sentence(console, f"  {issue}", "red" if answer["status"] == "critical" else "yellow")
    console.print()
    _traffic(console, answer)
    _verdicts(console, answer)
    if answer["slos"]:
        console.print()
        slo_table(console, answer["slos"])
    others = [f"{one['name']} {one['version']}" for one in answer["models"] if one != model]
    if others:
        sentence(console, f"\nAlso here: {', '.join(others)} (--model, --model-version)", "dim")
    if answer["last_evaluation"] is not None and now - answer["last_evaluation"] > 1:
        sentence(console, f"\nLast evaluation {ago(answer['last_evaluation'], now)}", "dim")


def _when(answer: dict[str, Any]) -> str:
    return "" if answer["uptime_seconds"] is None else f"up {seconds(answer['uptime_seconds'])}"


def _traffic(console: Console, answer: dict[str, Any]) -> None:
    found, past = answer["predictions"], answer["history"]
    latency = found["latency"]
    quantiles = " · ".join(f"{name} {seconds(latency[name])}" for name in ("p50", "p95", "p99"))
    rate = "" if found["rate"] is None else f"{found['rate']:.1f} requests/s"
    errors = f", {answer['total_errors']:,} in all" if answer["total_errors"] else ""
    facts(
        console,
        [
            ("Predictions", number(answer["total_predictions"])),
            ("Traffic", _with(rate or "none", spark(console, past["rate"]))),
            ("Latency", _with(quantiles, spark(console, past["latency_p95"])) if latency["p50"] is not None else ""),
            ("Errors", _with(percent(answer["error_rate"]) + errors, spark(console, past["error_rate"]))),
        ],
    )


def _verdicts(console: Console, answer: dict[str, Any]) -> None:
    drift, quality, performance = answer["drift"], answer["quality"], answer["performance"]
    alerts, ledger = answer["alerts"], answer["capture"]
    metrics = " · ".join(f"{name} {one['value']:.3f}" for name, one in list(performance["metrics"].items())[:4])
    coverage = f" (labels for {percent(performance['coverage'], 0)})" if performance["coverage"] is not None else ""
    firing = f"{alerts['firing']} firing, " if alerts["firing"] else ""
    facts(
        console,
        [
            ("Drift", _judged(drift["status"], drift["reason"], drift["score"])),
            ("Quality", _judged(quality["status"], quality["reason"], quality["score"])),
            ("Performance", f"{metrics}{coverage}" if metrics else "no labels yet"),
            ("Alerts", Text(f"{firing}{alerts['total_alerts']} in 24 h", "red" if firing else "")),
            ("Capture", f"{ledger['seen']:,} seen, {ledger['lost']:,} lost" if ledger["seen"] else "nothing yet"),
        ],
    )


def _judged(word: str, why: str, score: float | None) -> Text:
    """State, score, reason. A bad state is the alarm's, which looks back further than the score does: its reason comes first."""
    text = state(word)
    if word == "bad":
        text.append(f"  {why or 'the alarm gives no reason'}")
        return text if score is None else text.append(f"  (score now {score:.3f})", "dim")
    if score is not None:
        text.append(f"  score {score:.3f}")
    return text.append(f"  {why}", "dim") if why else text


def _with(text: str, line: str) -> Text:
    return Text.assemble(text, (f"  {line}" if line else "", "blue"))


def render_health(console: Console, answer: dict[str, Any]) -> None:
    heading(console, f"{answer['model'] or 'model'} {answer['version']}".strip(), answer["status"])
    for check in answer["checks"]:
        tone = "" if check["status"] in {"warning", "critical"} else "dim"
        mark = (f"  {_MARKS.get(check['status'], '·')} ", style_of(check["status"]))
        console.print(Text.assemble(mark, f"{check['name']:<9}", (check["detail"], tone)))
