"""The one sentence at the top: is it well? The worst news comes first, and not knowing is never called well.

The judgements are those of ``views``, which the CLI prints too; only the sentences are the dashboard's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from neural.monitoring.dashboard.ledger import ledger
from neural.monitoring.dashboard.reading import Reader
from neural.monitoring.dashboard.words import column_name, date_time, in_unit, listed, percent, plural, seconds, shortened
from neural.monitoring.signal import Outcome, Signal
from neural.monitoring.store.rows import AlertRow
from neural.monitoring.views.drift import drift_now
from neural.monitoring.views.health import LOSS_WORTH_SAYING
from neural.monitoring.views.quality import quality_now
from neural.monitoring.views.slos import slos_now

Level = Literal["ok", "warn", "bad", "unknown"]
MAX_CHARACTERS = 160  # of an alert's message in a sentence
ORDER: tuple[Level, ...] = ("bad", "warn", "unknown", "ok")
LEVELS: dict[str, Level] = {"critical": "bad", "warning": "warn", "info": "unknown"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth saying, of what it is, and the ``page`` where to read more."""

    level: Level
    topic: str
    text: str
    page: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict over everything: a level, one sentence, and what else was found, worst first."""

    level: Level
    sentence: str
    topic: str = ""
    findings: tuple[Finding, ...] = ()


def headline(reader: Reader) -> Headline:
    """Judge the chosen model at the right edge of the view. Of equally bad news, what was measured comes before the alerts about it."""
    newest = reader.newest_time
    if newest is None:
        return Headline("unknown", "Nothing has been measured yet.")
    findings = tuple(sorted(_findings(reader), key=lambda finding: ORDER.index(finding.level)))
    if reader.current.stopped_at is not None:
        text = f"The sidecar was stopped on {date_time(reader.current.stopped_at)} UTC: this is how it was then."
        return Headline("bad" if reader.selection.live else "unknown", text, "", findings)
    if reader.current.silent_seconds(reader.until) is not None:
        text = f"No news for {seconds(reader.until - newest)}: the last evaluation was on {date_time(newest)} UTC."
        return Headline("bad" if reader.selection.live else "unknown", text, "", findings)
    if findings and findings[0].level in ("bad", "warn"):
        first, *rest = findings
        return Headline(first.level, first.text, first.topic, tuple(rest))
    return Headline("ok", _well(reader, findings), "", findings)


def _well(reader: Reader, findings: tuple[Finding, ...]) -> str:
    if findings:
        return "Well, as far as can be judged."
    rate, p95 = reader.value("requests.rate"), reader.value("latency.p95")
    features = len(reader.state.get("drift.feature_score", ()))
    parts = [
        f"{in_unit(rate, '1/s')} served" if rate is not None else "",
        f"p95 {seconds(p95)}" if p95 is not None else "",
        f"no drift in {plural(features, 'feature')}" if features else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f"All is well: {told}." if told else "All is well."


def _findings(reader: Reader) -> Iterator[Finding]:
    yield from _drift(reader)
    yield from _objectives(reader)
    yield from _quality(reader)
    yield from _traffic(reader)
    yield from _capture(reader)
    yield from _alerts(reader)


def _alerts(reader: Reader) -> Iterator[Finding]:
    for severity, level in LEVELS.items():
        rows = [row for row in reader.firing if row.severity == severity]
        if len(rows) == 1:
            yield Finding(level, f"{severity} alert", _told(rows[0]), "alerts")
        elif rows:
            names = listed(list(dict.fromkeys(row.title or row.rule for row in rows)))
            yield Finding(level, f"{severity} alert", f"{len(rows)} alerts are firing: {names}.", "alerts")


def _told(row: AlertRow) -> str:
    """An alert in one sentence; a title that only repeats the rule's name is followed by the message."""
    if row.title and row.title != row.rule:
        return _sentence(row.title)
    return _sentence(shortened(f"{row.rule}: {row.message}" if row.message else row.rule, MAX_CHARACTERS))


def _drift(reader: Reader) -> Iterator[Finding]:
    state = drift_now(reader.current)
    if state["is_drifting"]:
        worst = [row["feature"] for row in state["features"] if row["outcome"] == "bad"]
        yield Finding(LEVELS[state["drift_severity"]], "drift", _drifted(worst), "drift")
    elif state["outcome"] == "unknown":
        why = state["reason"] or "there is no reference to compare with yet."
        yield Finding("unknown", "drift", f"Drift can't be judged: {_lower(_sentence(why))}", "drift")


def _drifted(columns: list[str]) -> str:
    """What the model is given comes first, what it answers after that."""
    inputs, outputs = [name for name in columns if not name.startswith("@")], [name for name in columns if name.startswith("@")]
    if outputs and not inputs:
        return f"The predictions have drifted: {listed([column_name(name) for name in outputs])}."
    which = f": {listed(inputs)}" if inputs else ""
    return f"The inputs have drifted{which}." + (" The predictions moved too." if outputs else "")


def _objectives(reader: Reader) -> Iterator[Finding]:
    for name, state in slos_now(reader.current).items():
        left = state["error_budget_remaining"]
        if state["status"] == "breached":
            rate, target = percent(state["compliance_rate"]), percent(state["target"])
            yield Finding("bad", "SLO", f"“{name}” is not met: {rate}, the target is {target}.", "slo")
        elif left is not None and left <= 0:
            yield Finding("bad", "SLO", f"The error budget of “{name}” is spent.", "slo")
        elif state["status"] == "at_risk":
            yield Finding("warn", "SLO", f"“{name}” burns its error budget too fast: {percent(left)} is left.", "slo")


def _quality(reader: Reader) -> Iterator[Finding]:
    state = quality_now(reader.current)
    if state["is_healthy"] is False:
        first, *others = state["reason"].split("; ")
        more = f" And {plural(len(others), 'more finding')}." if others else ""
        yield Finding(
            "warn", "quality", f"Data quality is poor. {_sentence(first)}{more}" if first else "Data quality is poor.", "quality"
        )


def _traffic(reader: Reader) -> Iterator[Finding]:
    for name, what, page in (
        ("error_rate", "of requests fail", "overview"),
        ("unparsed_rate", "of bodies can't be decoded", "capture"),
    ):
        signal = reader.one(name)
        if signal is not None and signal.verdict is not None and signal.verdict.outcome is Outcome.BAD:
            yield Finding("warn", "traffic", f"{percent(signal.value)} {what}.", page)


def _capture(reader: Reader) -> Iterator[Finding]:
    found = ledger(reader)
    if found is not None and not found.balanced:
        yield Finding("warn", "capture", "The loss ledger does not add up.", "capture")
    if found is not None and found.loss_ratio > LOSS_WORTH_SAYING:
        yield Finding(
            "warn",
            "capture",
            f"{percent(found.loss_ratio)} of requests were not captured: all figures are from the rest.",
            "capture",
        )


def level_of(signal: Signal | None) -> Level:
    """How a signal's verdict reads: ok, bad or unknown."""
    if signal is None or signal.verdict is None:
        return "unknown"
    return {Outcome.OK: "ok", Outcome.BAD: "bad"}.get(signal.verdict.outcome, "unknown")  # type: ignore[return-value]  # words of Level


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _lower(text: str) -> str:
    """A sentence that goes on after a colon; names and abbreviations keep their capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
