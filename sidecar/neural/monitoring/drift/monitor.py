"""The drift monitor: a sequential verdict that keeps the false-alarm budget, and statistics of the window beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neural.monitoring.drift.concept import concept_score, metric_loss
from neural.monitoring.drift.explain import at_time, days_in_words, moved_bins, moved_sentence, names_in_words, times
from neural.monitoring.drift.plan import Plan, make_plan
from neural.monitoring.drift.sequential import SequentialDetector, Standing
from neural.monitoring.drift.settings import DriftSettings
from neural.monitoring.drift.specs import DRIFT_SPECS
from neural.monitoring.drift.window_verdict import WindowView, view_window
from neural.monitoring.records import PREDICTION, PROBABILITY_PREFIX
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows import Evaluation, Reference

RULES = 2
"""The budget is shared evenly by the sequential verdict and the window-based score."""
MAX_EVIDENCE = 1e12  # shown; more says nothing more
FEWEST_LABELS = 30


@dataclass(slots=True)
class _Watched:
    """One model version: its plan, and its detector."""

    reference_hash: str
    plan: Plan
    detector: SequentialDetector
    rows: int = 0


class DriftMonitor:
    """One for all models. Each model version has its own detector; together they keep the budget of the settings."""

    name = "drift"
    specs = DRIFT_SPECS

    def __init__(self, settings: DriftSettings) -> None:
        self._settings = settings
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._pending: dict[tuple[str, str], Mapping[str, Any]] = {}

    def evaluate(self, evaluation: Evaluation) -> Iterator[Signal]:
        if evaluation.reference is None:
            yield _unknown(evaluation, "there is no reference yet")
            return
        watched = self._of(evaluation, evaluation.reference)
        watched.rows += evaluation.latest.rows
        if not watched.plan.columns:
            yield _unknown(evaluation, "the reference has no column that can be watched")
            return
        budget = self._settings.false_alarms.seconds_between * RULES * len(self._watched)
        elapsed = max(evaluation.now - evaluation.latest.start, 0.0)
        standing = watched.detector.step(
            watched.plan.bin_counts(evaluation.latest.columns),
            evaluation.now,
            elapsed=elapsed,
            seconds_between=budget,
            patience=evaluation.length_seconds,
        )
        alpha = min(max(elapsed, 1e-3) / budget, 0.05)
        view = view_window(evaluation.window, watched.plan, watched.detector.model, self._settings, alpha)
        yield from _Report(evaluation, watched, standing, view, self._settings).signals()

    def _of(self, evaluation: Evaluation, reference: Reference) -> _Watched:
        key = (evaluation.model, evaluation.version)
        known = self._watched.get(key)
        if known is not None and known.reference_hash == reference.hash:
            return known
        plan = make_plan(reference, self._settings.ignore)
        watched = _Watched(reference.hash, plan, SequentialDetector(plan.bins))
        state = self._pending.pop(key, None)
        if state is not None and state["reference"] == reference.hash and state["columns"] == list(plan.names):
            watched.detector.restore(state["detector"])
            watched.rows = int(state["rows"])
        self._watched[key] = watched
        return watched

    def snapshot(self) -> Mapping[str, Any]:
        waiting = [{"key": list(key), **state} for key, state in self._pending.items()]
        return {"models": [*waiting, *(_state(key, watched) for key, watched in self._watched.items())]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """States wait until an evaluation brings their model's reference; one of another reference is dropped."""
        self._watched.clear()
        self._pending = {
            (str(item["key"][0]), str(item["key"][1])): {name: item[name] for name in item if name != "key"}
            for item in state["models"]
        }


def _state(key: tuple[str, str], watched: _Watched) -> dict[str, Any]:
    return {
        "key": list(key),
        "reference": watched.reference_hash,
        "columns": list(watched.plan.names),
        "rows": watched.rows,
        "detector": watched.detector.snapshot(),
    }


def _unknown(evaluation: Evaluation, reason: str) -> Signal:
    return Signal("drift.alarm", None, evaluation.now, evaluation.labels(), Verdict(Outcome.UNKNOWN, reason, method="e-detector"))


@dataclass(frozen=True)
class _Report:
    """The signals of one evaluation."""

    evaluation: Evaluation
    watched: _Watched
    standing: Standing
    view: WindowView
    settings: DriftSettings

    def signals(self) -> Iterator[Signal]:
        scores = self.view.score()
        features = [not name.startswith("@") for name in self.watched.plan.names]
        outputs = [name == PREDICTION or name.startswith(PROBABILITY_PREFIX) for name in self.watched.plan.names]
        distribution, prediction = _largest(scores[features]), _largest(scores[outputs])
        performance = self._performance()
        yield self._signal("drift.alarm", float(self.standing.alarm), self._alarm_verdict())
        yield self._signal("drift.score", distribution, self._score_verdict(features, distribution))
        yield self._signal("drift.prediction_score", prediction, self._score_verdict(outputs, prediction))
        yield self._signal("drift.performance_score", performance)
        together = concept_score(prediction=prediction, performance=performance, distribution=distribution)
        yield self._signal("drift.concept_score", together)
        drifting = self._drifting()
        yield self._signal("drift.features", float(len(drifting)))
        for at, name in enumerate(self.watched.plan.names):
            yield from self._column_signals(at, name, at in drifting)

    def _column_signals(self, at: int, name: str, drifting: bool) -> Iterator[Signal]:
        verdict = self._column_verdict(at, name, drifting)
        yield self._signal("drift.feature_score", _finite(float(self.view.score()[at])), verdict, feature=name)
        evidence = min(math.exp(float(self.standing.log_evidence[at])), MAX_EVIDENCE)
        yield self._signal("drift.evidence", evidence, replace(verdict, statistic=evidence, threshold=1.0), feature=name)
        for method, measured in self.view.measured.items():
            value = _finite(float(measured.statistic[at]))
            if value is not None:
                p = _finite(float(measured.p_value[at])) if measured.p_value is not None else None
                own = replace(verdict, statistic=value, threshold=None, p_value=p, method=method, evidence={})
                yield self._signal(f"drift.{method}", value, own, feature=name)

    def _drifting(self) -> set[int]:
        return {*self.standing.drifting, *np.flatnonzero(self.view.drifting).tolist()}

    def _alarm_verdict(self) -> Verdict:
        names = self.watched.plan.names
        ranked = sorted(self.standing.drifting, key=lambda at: -float(self.standing.log_evidence[at]))
        between = days_in_words(self.settings.false_alarms.seconds_between)
        log_ratio = max([self.standing.log_model, *(float(self.standing.log_evidence[at]) for at in ranked)])
        if not ranked:
            outcome = Outcome.OK if self.watched.rows else Outcome.UNKNOWN
            calm = f"the evidence for drift is {times(log_ratio)} of what would raise an alarm, by chance once in {between}"
            reason = calm if self.watched.rows else "no rows have come in yet"
        else:
            outcome = Outcome.BAD
            since = at_time(min(self.standing.drifting[at].since for at in ranked))
            first = self._moved(ranked[0])
            reason = (
                f"{names_in_words([names[at] for at in ranked])} drifted, since about {since}; "
                f"{names[ranked[0]]} {moved_sentence(first)}; "
                f"the evidence is {times(log_ratio)} times what chance reaches once in {between}"
            )
        return Verdict(
            outcome,
            reason,
            statistic=min(math.exp(min(log_ratio, 60.0)), MAX_EVIDENCE),
            threshold=1.0,
            sample_size=self.watched.rows,
            method="e-detector",
            evidence={
                "reference": self.watched.reference_hash,
                "false_alarms": str(self.settings.false_alarms),
                "features": [self._episode(at) for at in ranked],
            },
        )

    def _episode(self, at: int) -> dict[str, Any]:
        episode = self.standing.drifting[at]
        return {
            "feature": self.watched.plan.names[at],
            "since": episode.since,
            "alarmed_at": episode.alarmed_at,
            "rows": int(episode.drifted.sum()),
            "evidence": min(math.exp(float(self.standing.log_evidence[at])), MAX_EVIDENCE),
            "moved": self._moved(at),
        }

    def _moved(self, at: int) -> list[dict[str, Any]]:
        episode = self.standing.drifting.get(at)
        return moved_bins(self.watched.plan.bins[at], episode.drifted if episode is not None else self._window_counts(at))

    def _window_counts(self, at: int) -> Any:
        first = sum(len(item) for item in self.watched.plan.bins[:at])
        return self.view.counts[first : first + len(self.watched.plan.bins[at])]

    def _score_verdict(self, chosen: list[bool], score: float | None) -> Verdict:
        names = self.watched.plan.names
        if score is None:
            return Verdict(Outcome.UNKNOWN, "no values in the window", method="effect")
        ranked = [at for at in np.argsort(-np.nan_to_num(self.view.effect), kind="stable").tolist() if chosen[at]]
        drifting = [at for at in ranked if self.view.drifting[at]]
        if not drifting:
            reason = "no column of the window differs from the reference by more than chance explains"
        else:
            reason = f"{names_in_words([names[at] for at in drifting])} differ from the reference; {names[drifting[0]]} most, "
            reason += f"{score:.1%} of its rows moved"
        ranking = [{"feature": names[at], "score": _finite(float(self.view.score()[at]))} for at in ranked[:20]]
        return Verdict(
            Outcome.BAD if drifting else Outcome.OK,
            reason,
            statistic=score,
            threshold=self.settings.smallest_effect,
            sample_size=int(max(self.view.n, default=0)),
            method="effect",
            evidence={"ranking": ranking, "reference": self.watched.reference_hash},
        )

    def _column_verdict(self, at: int, name: str, drifting: bool) -> Verdict:
        n, effect = int(self.view.n[at]), _finite(float(self.view.effect[at]))
        e_p = min(1.0, math.exp(-min(float(self.view.log_e[at]), 700.0)))
        base = Verdict(
            Outcome.OK,
            f"{effect or 0.0:.1%} of {n} rows moved: chance explains that, or it is too little to matter",
            statistic=effect,
            threshold=self.settings.smallest_effect,
            sample_size=n,
            p_value=e_p,
            effect_size=effect,
            method="effect",
        )
        if drifting:
            moved = self._moved(at)
            episode = self.standing.drifting.get(at)
            when = f" since about {at_time(episode.since)}" if episode is not None else " in this window"
            reason = f"{name} drifted{when}; {moved_sentence(moved)}"
            return replace(base, outcome=Outcome.BAD, reason=reason, evidence={"moved": moved})
        if n < self.settings.fewest_rows:
            reason = f"{n} values of {name} in the window: at least {self.settings.fewest_rows} are needed"
            return replace(base, outcome=Outcome.UNKNOWN, reason=reason)
        return base

    def _performance(self) -> float | None:
        """The largest relative loss against the reference's performance, less what chance explains; None without either."""
        reference = self.evaluation.reference
        known = reference.performance if reference is not None else {}
        losses: list[float] = []
        for signal in self.evaluation.earlier:
            metric = signal.name.removeprefix("performance.")
            if metric == signal.name or metric not in known or signal.value is None:
                continue
            labels = (signal.verdict.sample_size or 0) if signal.verdict else 0
            slack = 3.0 / math.sqrt(4.0 * labels) if labels else 0.0  # three standard errors of a share, at most
            if signal.verdict is None or labels >= FEWEST_LABELS:
                losses.append(max(0.0, metric_loss(metric, known[metric], signal.value) - slack))
        return max(losses, default=None)

    def _signal(self, name: str, value: float | None, verdict: Verdict | None = None, **labels: str) -> Signal:
        return Signal(name, value, self.evaluation.now, self.evaluation.labels(**labels), verdict)


def _largest(values: Any) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.max()) if len(known) else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
