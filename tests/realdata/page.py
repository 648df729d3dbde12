"""docs/real-data.md, from the findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.realdata.findings import LOWER_IS_BETTER, METRICS, Alarm, Findings, Period, date

HEAD = """# Real data, through the sidecar

Written by `make realdata`: real records, in their own order, each row as a captured request through a real sidecar process (journal, decoding,
panes, evaluation, store), its label when the truth would have come out. The sidecar's clock is the data's (`tests/realdata/sidecar.py`), so
windows, delays and the false-alarm budget mean what they say; all settings are the defaults but the times and the path of the reference.
The bar for performance is what the model was worth on the labelled reference, and the default tolerance of 5 points (of 5 % for errors).

What to look for: was the change found, when, in which features, and did it hurt the model? Drift alone says only that the inputs changed.

| data | rows | span | drift alarm | model, reference → all that was served | said to have fallen |
|---|---|---|---|---|---|
"""
LESSONS = """
## What this teaches

- **Most real drift is real, and most of it does not hurt.** A month's reference is never like the year that follows, and a detector that can see
  0.2 σ in a few hundred rows will say so in its first days. Whether it matters is answered by labels, or before they come by the estimate.
- **Rows that come in order are not exchangeable with a sample of a month.** An hour of the night, a day of snow or a single writer is unlike the
  whole. That is drift to a detector, and it is why these sidecars evaluate over a week or more where the data has such a rhythm
  (`windows: evaluate_every`), and why a column that is meant to move belongs in `drift: ignore`.
- **A random hold-out flatters.** The flights' reference is a random third of January, the same days that trained the model. Part of what it loses by
  February is what it never had on days to come. Hold out the last days instead, and the bar is honest.
- **The estimate follows covariate shift and misses concept drift**, as any estimate without labels must; its track record says by how much it
  was wrong once labels came.
"""


def page(found: Sequence[Findings]) -> str:
    rows = "".join(_overview(one) for one in found)
    return HEAD + rows + LESSONS + "".join("".join(_section(one)) for one in found)


def _overview(one: Findings) -> str:
    deployment = one.deployment
    days = (float(deployment.times[-1]) - float(deployment.times[0])) / 86_400
    span = f"{days:,.0f} days" if days >= 2 else f"{days * 24:.0f} hours"
    return (
        f"| [{deployment.name}](#{_anchor(deployment.title)}) | {len(deployment):,} | {span} | {_when(one, one.drift)} "
        f"| {_worth(one)} | {_fell(one)} |\n"
    )


def _when(one: Findings, alarm: Alarm | None) -> str:
    if alarm is None:
        return "none"
    change = one.deployment.changes_at
    if change is not None:
        after = alarm.rows - change
        return f"{after:,} rows after the change" if after >= 0 else f"{-after:,} rows before the change: false"
    return f"{date(alarm.time)}, after {alarm.rows:,} rows"


def _worth(one: Findings) -> str:
    """The first metric, before and after."""
    name = METRICS[one.deployment.task][-1 if one.deployment.task == "classification" else 0]
    known = [(period.sklearn[name], period.rows) for period in one.periods if period.sklearn[name] is not None]
    after = sum((value or 0.0) * rows for value, rows in known) / max(sum(rows for _, rows in known), 1)
    return f"{name} {_number(one.baseline[name])} → {_number(after)}"


def _fell(one: Findings) -> str:
    if not one.falls:
        return "no"
    return ", ".join(f"{name}: {_when(one, alarm)}" for name, alarm in one.falls.items())


def _section(one: Findings) -> Iterator[str]:
    deployment = one.deployment
    yield f"\n## {deployment.title}\n\n{deployment.about}\n\n"
    yield (
        f"{len(deployment):,} requests and {one.labels:,} labels in {one.evaluations:,} evaluations, one every "
        f"{_duration(deployment.evaluate_every)}; reference: {len(deployment.reference_labels):,} rows.\n\n"
    )
    yield f"- **Drift**: {_told(one, one.drift, one.drift_alarms)}\n"
    yield f"- **Quality**: {_told(one, one.quality, one.quality_alarms)}\n"
    names = METRICS[deployment.task]
    for name in names:
        alarm = one.falls.get(name)
        yield f"- **{name}**: " + (f"{_when(one, alarm)}: {alarm.reason}\n" if alarm else "never surely below the bar\n")
    yield f"\n| period | rows | drifting | {' | '.join(_heads(names))} | most changed columns of the window (share of rows moved) |\n"
    yield f"|---|---|---|{'---|' * len(_heads(names))}---|\n"
    bar = " | ".join(f"{_number(one.baseline[name])} | | " for name in names)
    yield f"| reference | {len(deployment.reference_labels):,} | | {bar} | |\n"
    for period in one.periods:
        yield _period(period, names)


def _heads(names: Sequence[str]) -> list[str]:
    return [
        head
        for name in names
        for head in (name, f"… by scikit-learn {'(lower is better)' if name in LOWER_IS_BETTER else ''}".strip(), "estimated")
    ]


def _period(period: Period, names: Sequence[str]) -> str:
    cells = []
    for name in names:
        mark = {"bad": " **fell**", "ok": ""}.get(period.verdicts[name], "")
        cells += [f"{_number(period.realised[name])}{mark}", _number(period.sklearn[name]), _number(period.estimated[name])]
    drifting = {True: "yes", False: "no", None: "?"}[period.drifting]
    features = ", ".join(f"{name} ({score:.2f})" for name, score in period.features if score > 0) or "none beyond chance"
    return f"| {period.name} | {period.rows:,} | {drifting} | {' | '.join(cells)} | {features} |\n"


def _told(one: Findings, alarm: Alarm | None, alarms: int) -> str:
    if alarm is None:
        return "no alarm"
    more = f" ({alarms} alarms in all)" if alarms > 1 else ""
    return f"{_when(one, alarm)}{more}: {alarm.reason}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _duration(seconds: float) -> str:
    if seconds >= 86_400:
        days = round(seconds / 86_400)
        return "day" if days == 1 else f"{days} days"
    hours = round(seconds / 3_600)
    return "hour" if hours == 1 else f"{hours} hours"


def _anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")
