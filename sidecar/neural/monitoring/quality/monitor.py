"""The quality monitor: is the data that comes in as good as the reference's?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.quality.changes import shifted_columns
from neural.monitoring.quality.counting import Examples, RowCounter
from neural.monitoring.quality.detect import has_recovered, jumps, reference_rates
from neural.monitoring.quality.examples import redacted
from neural.monitoring.quality.findings import Finding, RateFinding, Trouble, summary
from neural.monitoring.quality.history import Step
from neural.monitoring.quality.readings import (
    SCHEMA_KINDS,
    column_trouble,
    duplicate_finding,
    duplicate_signal,
    finding_signals,
    freshness_signal,
    rate_signals,
)
from neural.monitoring.quality.schema import schema_findings
from neural.monitoring.quality.score import quality_score
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.quality.specs import SPECS
from neural.monitoring.quality.state import State
from neural.monitoring.quality.tally import Field, Tally
from neural.monitoring.records import RecordBatch
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows.evaluation import Evaluation
from neural.monitoring.windows.window import Window

_EXAMPLES = 3  # unseen names in a finding


class QualityMonitor:
    """Rates of missing, invalid, unseen and outlying values, a score, and an alarm that rests on a test.

    The alarm compares every column's rates with the reference's over the last evaluation, the last 4, the last 16 and the window, so that
    a feed that breaks is seen at once and a slow leak is seen too; ``QualitySettings.error_rate`` bounds the chance of a false alarm.
    """

    name = "quality"
    specs = SPECS

    def __init__(self, settings: QualitySettings | None = None, schema: Mapping[str, FeatureSettings] | None = None) -> None:
        self._settings = settings or QualitySettings()
        self._schema = dict(schema or {})
        self._states: dict[tuple[str, str], State] = {}

    def observe_rows(self, batch: RecordBatch) -> None:
        state = self._state(batch.model, batch.version)
        state.counter.count(batch, state.fresh)

    def _state(self, model: str, version: str) -> State:
        state = self._states.get((model, version))
        if state is None:
            state = self._states[model, version] = State(RowCounter(self._settings, self._schema))
        return state

    def evaluate(self, evaluation: Evaluation) -> Iterable[Signal]:
        state = self._state(evaluation.model, evaluation.version)
        reference = evaluation.reference
        if reference is not None:
            is_new = reference.hash != state.counter.reference_hash
            state.counter.use(reference)
            if is_new or reference.seasons is not None:
                state.rates = reference_rates(evaluation.expected or reference, state.counter.bounds, state.counter.max_ages)
        state.counter.finish(state.fresh)
        step = _step(evaluation, state)
        state.history.add(step, evaluation.length_seconds)
        state.evaluated_at, state.fresh = evaluation.now, Tally()
        window = state.history.window()
        current = with_panes(evaluation.window, window, state.rates)
        findings = self._findings(evaluation, state, current)
        others = state.standing.date(self._others(evaluation, state, step, window), step.since)
        return [
            self._alarm(evaluation, findings, others),
            self._score(evaluation, state, current),
            *rate_signals(evaluation, current, findings),
            *finding_signals(evaluation, others),
            duplicate_signal(evaluation, window, others, self._settings),
            freshness_signal(evaluation, state.counter.newest, self._settings),
        ]

    def _others(self, evaluation: Evaluation, state: State, step: Step, window: Tally) -> Iterator[Finding]:
        """What is found beside the rates: schema, order, stuck and shifted columns, repeated rows."""
        reference = evaluation.reference
        yield from schema_findings(evaluation.window, reference, self._schema)
        reordered = state.counter.order.finding(window)
        if reordered is not None:
            yield reordered
        if reference is not None:
            alike = step.tally.rows_per_request
            state.runs.add(evaluation.latest, reference, step.since)
            yield from state.runs.findings(
                reference, self._settings, before=evaluation.now - evaluation.length_seconds, alike=alike
            )
            timeless = {name: pane for name, pane in evaluation.window.columns.items() if name not in state.counter.max_ages}
            expected = evaluation.expected or reference
            yield from shifted_columns(timeless, expected.columns, window.rows_per_request)
        if window.duplicates:
            yield duplicate_finding(window, state.counter.duplicates.row_ids)

    def _findings(self, evaluation: Evaluation, state: State, window: Tally) -> list[RateFinding]:
        """The strongest finding of each column and trouble that is not over, with the time since which it has stood."""
        best: dict[tuple[str, str], RateFinding] = {}
        short = list(state.history.looks())
        looks = [*short, (evaluation.now - evaluation.length_seconds, window)]
        for since, tally in looks:
            for found in jumps(tally, state.rates, self._settings, since, evaluation.now):
                key = (found.column, found.trouble.value)
                if since < state.recovered.get(key, since):
                    continue  # this look still holds the rows of an incident that is over
                if key not in best or found.jump.p_value < best[key].jump.p_value:
                    best[key] = found
        recent_since, recent = short[min(1, len(short) - 1)]
        worst = {key: max(state.worst.get(key, 0.0), found.jump.rate) for key, found in best.items()}
        for key, found in list(best.items()):
            if has_recovered(found, recent, state.rates[found.column][found.trouble], self._settings, worst[key]):
                del best[key]
                state.recovered[key] = recent_since
        state.worst = {key: worst[key] for key in best}
        state.since = {key: min(state.since.get(key, found.since), found.since) for key, found in best.items()}
        state.first = {key: _first_bad(key, found.since, state) for key, found in best.items()}
        return [_detailed(found, state, evaluation.window) for found in best.values()]

    def _alarm(self, evaluation: Evaluation, findings: list[RateFinding], others: list[Finding]) -> Signal:
        rows, reference = evaluation.window.rows, evaluation.reference
        if findings:
            outcome, reason = Outcome.BAD, summary(findings)
        elif reference is None:
            outcome, reason = Outcome.UNKNOWN, evaluation.without_reference
        elif rows < self._settings.min_rows:
            outcome, reason = Outcome.UNKNOWN, f"{rows} rows in the window: fewer than {self._settings.min_rows}"
        else:
            outcome, reason = Outcome.OK, f"no rate of bad values above the reference's by more than chance, over {rows} rows"
        verdict = Verdict(
            outcome,
            reason,
            statistic=max((found.jump.rate for found in findings), default=None),
            threshold=self._settings.min_jump,
            sample_size=rows,
            p_value=min((found.jump.p_value for found in findings), default=None),
            effect_size=max((found.jump.rise for found in findings), default=None),
            method="two-sample rates, Hoeffding's bound, Bonferroni",
            evidence={
                "findings": [found.to_json() for found in findings],
                "schema": [found.to_json() for found in others if found.kind in SCHEMA_KINDS],
                "others": [found.to_json() for found in others if found.kind not in SCHEMA_KINDS],
                **(reference.named if reference is not None else {"reference": None}),
                "since": min((found.since for found in findings), default=None),
            },
        )
        return Signal("quality.alarm", float(bool(findings)), evaluation.now, evaluation.labels(), verdict)

    def _score(self, evaluation: Evaluation, state: State, window: Tally) -> Signal:
        rows = evaluation.window.rows
        score = quality_score(
            [column_trouble(counts, state.rates.get(name, {})) for name, counts in window.columns.items()],
            self._settings.weights,
        )
        limit = self._settings.min_score
        if score is None:
            outcome, reason = Outcome.UNKNOWN, "no rows in the window"
        elif rows < self._settings.min_rows:
            outcome, reason = Outcome.UNKNOWN, f"{rows} rows in the window: fewer than {self._settings.min_rows}"
        else:
            outcome = Outcome.OK if score >= limit else Outcome.BAD
            reason = f"score {score:.3f} over {rows} rows, {'at least' if score >= limit else 'below'} {limit:g}"
        verdict = Verdict(outcome, reason, statistic=score, threshold=limit, sample_size=rows)
        return Signal("quality.score", score, evaluation.now, evaluation.labels(), verdict)

    def snapshot(self) -> Mapping[str, Any]:
        return {"states": [[model, version, state.to_json()] for (model, version), state in self._states.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._states = {}
        for model, version, item in state.get("states", ()):
            self._state(model, version).fill(item)


def _step(evaluation: Evaluation, state: State) -> Step:
    """What came in since the last evaluation: the panes' increments and our own counts."""
    since = state.evaluated_at
    if since is None or since > evaluation.now:
        since = evaluation.now - evaluation.length_seconds
    return Step(since, evaluation.now, with_panes(evaluation.latest, state.fresh, state.rates))


def with_panes(window: Window, own: Tally, rates: Mapping[str, Any]) -> Tally:
    """Our own counts, with what the panes count in place of the rest. A known column that rows leave out is missing in them."""
    result = Tally.summed([own])
    result.rows = float(window.rows)
    result.requests = window.rows / own.rows_per_request
    for name in dict.fromkeys([*window.columns, *(rates if window.rows else ())]):
        if name.startswith("@"):
            continue
        counts, pane = result.of(name), window.columns.get(name)
        total, missing = (pane.total, pane.missing) if pane is not None else (0, 0)
        absent = max(window.rows - total, 0) if name in rates else 0
        counts[Field.TOTAL] = total + absent
        counts[Field.MISSING] = missing + absent
        counts[Field.INVALID] = pane.invalid + pane.non_finite if pane is not None else 0
        counts[Field.UNSEEN] = pane.unseen if pane is not None else 0
    return result


def _first_bad(key: tuple[str, str], since: float, state: State) -> float:
    """When the first bad row of the incident came: what was known before, else the first one within the look, else the look's beginning."""
    seen = [step.tally.first[key] for step in state.history.steps if step.until > since and key in step.tally.first]
    return min([state.first[key]] if key in state.first else [], default=min(seen, default=since))


def _detailed(found: RateFinding, state: State, window: Window) -> RateFinding:
    """With its beginning, examples, and some rows to look at. Unknown names come most frequent first."""
    pane = window.columns.get(found.column)
    key = (found.column, found.trouble.value)
    bad = state.counter.examples.get((found.column, found.trouble), Examples())
    shown = bad.values
    if found.trouble is Trouble.UNSEEN and pane is not None:
        ranked = sorted(pane.unseen_values.items(), key=lambda item: (-item[1], item[0]))
        shown = tuple(redacted(name, pane.kind) for name, _ in ranked[:_EXAMPLES])
    return replace(found, since=state.since[key], first_seen=state.first[key], examples=shown, row_ids=bad.row_ids)
