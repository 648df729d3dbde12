"""The signals of one evaluation, each with its verdict in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.explain import (
    at_time,
    days_in_words,
    moved_bins,
    moved_sentence,
    names_in_words,
    rounded_shares,
    times,
)
from neural.monitoring.drift.plan import Plan
from neural.monitoring.drift.sample import MeasuredMany
from neural.monitoring.drift.season import InSeason
from neural.monitoring.drift.sequential import Standing
from neural.monitoring.drift.settings import DriftSettings
from neural.monitoring.drift.summary import concept_verdict, largest_loss, performance_verdict
from neural.monitoring.drift.window_verdict import WindowView
from neural.monitoring.records import PREDICTION, PROBABILITY_PREFIX
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows import Evaluation, Reference

MAX_EVIDENCE = 1e12  # shown; more says nothing more
NOTABLE_RUN = 2.0  # rows counted as one, from which the verdict says so
RANKED = 20  # columns in a ranking
_NOTHING: Mapping[str, Any] = {}  # evidence of a method's number: the column's verdict has it


@dataclass(frozen=True)
class DriftReport:
    """``rows``: seen since the reference was set; ``standing``: of the sequential detector; ``view``: of the window; ``acknowledged``:
    drifting column → when that was acknowledged.
    """

    evaluation: Evaluation
    plan: Plan
    reference: Reference
    rows: int
    standing: Standing
    view: WindowView
    settings: DriftSettings
    acknowledged: Mapping[int, float] = field(default_factory=dict[int, float])
    season: InSeason | None = None

    def signals(self) -> Iterator[Signal]:
        outputs = [name == PREDICTION or name.startswith(PROBABILITY_PREFIX) for name in self.plan.names]
        features = [not output for output in outputs]
        distribution, prediction = self._largest(features), self._largest(outputs)
        labels = self.evaluation.labels()
        alarm = self._alarm_verdict()
        yield self._signal("drift.alarm", float(bool(self._alarming)), labels, alarm)
        yield self._signal("drift.model_evidence", alarm.statistic, labels, replace(alarm, evidence=_NOTHING))
        by_distribution, by_prediction = self._score_verdict(features, distribution), self._score_verdict(outputs, prediction)
        yield self._signal("drift.score", distribution, labels, by_distribution)
        yield self._signal("drift.prediction_score", prediction, labels, by_prediction)
        performance, by_performance = self._performance()
        yield self._signal("drift.performance_score", performance, labels, by_performance)
        parts = {
            "prediction": (prediction, by_prediction),
            "performance": (performance, by_performance),
            "distribution": (distribution, by_distribution),
        }
        together, by_parts = concept_verdict(parts, self.settings.smallest_effect)
        yield self._signal("drift.concept_score", together, labels, by_parts)
        drifting = self._drifting()
        yield self._signal("drift.features", float(len(drifting)), labels, self._count_verdict(drifting))
        yield self._signal("drift.acknowledged", float(len(self.acknowledged)), labels, self._acknowledged_verdict())
        measured = [_series(name, found) for name, found in self.view.measured.items()]
        for at, name in enumerate(self.plan.names):
            yield from self._column_signals(at, name, measured, drifting=at in drifting)

    def _column_signals(self, at: int, name: str, measured: Sequence[_Series], *, drifting: bool) -> list[Signal]:
        """A few hundred signals an evaluation: built in one plain loop, each method's number beside the column's verdict."""
        now, labels = self.evaluation.now, self.evaluation.labels(feature=name)
        verdict = self._column_verdict(at, name, drifting)
        outcome, reason, n, effect = verdict.outcome, verdict.reason, verdict.sample_size, verdict.effect_size
        evidence = self._evidence[at]
        own = Verdict(outcome, reason, evidence, 1.0, n, verdict.p_value, effect, "e-detector", _NOTHING)
        found = [
            Signal("drift.feature_score", self._scores[at], now, labels, verdict),
            Signal("drift.evidence", evidence, now, labels, own),
        ]
        for method, signal, statistic, p_value, threshold in measured:
            value = statistic[at]
            if value is not None:
                own = Verdict(outcome, reason, value, threshold[at], n, p_value[at], effect, method, _NOTHING)
                found.append(Signal(signal, value, now, labels, own))
        return found

    @cached_property
    def _evidence(self) -> list[float]:
        found: list[float] = np.minimum(np.exp(self.standing.log_evidence), MAX_EVIDENCE).tolist()
        return found

    @cached_property
    def _p_values(self) -> list[float]:
        """Of the window's rows: an e-value's inverse is a p-value."""
        found: list[float] = np.exp(-np.clip(self.view.log_e, 0.0, 700.0)).tolist()
        return found

    @cached_property
    def _window_shares(self) -> list[float]:
        """Every bin's share of the column's rows in the window, all columns end to end; rounded to what can be seen."""
        starts = np.array(self.plan.bounds[:-1], dtype=np.intp)
        rows = np.add.reduceat(self.view.counts, starts) if len(starts) else np.zeros(0)
        spread = np.repeat(np.maximum(rows, 1e-300), np.diff(self.plan.bounds))
        found: list[float] = np.round(self.view.counts / spread, 5).tolist()
        return found

    @cached_property
    def _scores(self) -> list[float | None]:
        return finite_list(self.view.score())

    @cached_property
    def _effects(self) -> list[float | None]:
        return finite_list(self.view.effect)

    def _largest(self, chosen: Sequence[bool]) -> float | None:
        return max((score for score, mine in zip(self._scores, chosen, strict=True) if mine and score is not None), default=None)

    @cached_property
    def _alarming(self) -> list[int]:
        """Columns whose drift nobody has acknowledged, the strongest first."""
        open_ = [at for at in self.standing.drifting if at not in self.acknowledged]
        return sorted(open_, key=lambda at: -float(self.standing.log_evidence[at]))

    def _drifting(self) -> set[int]:
        return {*self.standing.drifting, *np.flatnonzero(self.view.drifting).tolist()}

    def _alarm_verdict(self) -> Verdict:
        names = self.plan.names
        ranked = self._alarming
        between = days_in_words(self.settings.false_alarms.seconds_between)
        log_ratio = max([self.standing.log_model, *(float(self.standing.log_evidence[at]) for at in ranked)])
        if not ranked:
            outcome = Outcome.OK if self.rows else Outcome.UNKNOWN
            calm = f"the evidence for drift is {times(log_ratio)} of what would raise an alarm, by chance once in {between}"
            more = f"{self._too_little()}{self._discounted()}{self._known()}{self._in_season()}"
            reason = f"{calm}{more}" if self.rows else "no rows have come in yet"
        else:
            outcome = Outcome.BAD
            since = at_time(min(self.standing.drifting[at].since for at in ranked))
            first = self._moved(ranked[0])
            reason = (
                f"{names_in_words([names[at] for at in ranked])} drifted, since about {since}; "
                f"{names[ranked[0]]} {moved_sentence(first)}; "
                f"the evidence is {times(log_ratio)} times what chance reaches once in {between}{self._runs(ranked[0])}{self._in_season()}"
            )
        return Verdict(
            outcome,
            reason,
            statistic=min(math.exp(min(log_ratio, 60.0)), MAX_EVIDENCE),
            threshold=1.0,
            sample_size=self.rows,
            method="e-detector",
            evidence={
                **self._named,
                "false_alarms": str(self.settings.false_alarms),
                "rows_in_run": self._rows_in_run(),
                "features": [self._episode(at) for at in ranked],
                "too_small": {names[at]: round(moved, 6) for at, moved in self.standing.small.items()},
                "acknowledged": [{**self._episode(at), "acknowledged_at": when} for at, when in self.acknowledged.items()],
            },
        )

    def _episode(self, at: int) -> dict[str, Any]:
        episode = self.standing.drifting[at]
        return {
            "feature": self.plan.names[at],
            "since": episode.since,
            "alarmed_at": episode.alarmed_at,
            "rows": int(episode.drifted.sum()),
            "evidence": min(math.exp(float(self.standing.log_evidence[at])), MAX_EVIDENCE),
            "rows_in_run": round(float(self.standing.rows_in_run[at]), 1),
            "moved": self._moved(at),
        }

    def _discounted(self) -> str:
        most = int(np.argmax(self.standing.rows_in_run))
        return f"; {self.plan.names[most]}{self._runs(most)}" if self._runs(most) else ""

    def _too_little(self) -> str:
        """Columns that moved for certain, by less than matters."""
        small = sorted(self.standing.small.items(), key=lambda item: -item[1])
        if not small:
            return ""
        named = names_in_words([self.plan.names[at] for at, _ in small])
        return f"; {named} moved by {small[0][1]:.2%} of the rows, not by chance but less than {100 * self.settings.smallest_effect:g}%"

    def _known(self) -> str:
        if not self.acknowledged:
            return ""
        names = names_in_words([self.plan.names[at] for at in self.acknowledged])
        return f"; the drift of {names} was acknowledged at {at_time(max(self.acknowledged.values()))} and has not gone further"

    def _rows_in_run(self) -> dict[str, float]:
        """Columns whose rows are not exchangeable: how many were counted as one."""
        notable = np.flatnonzero(self.standing.rows_in_run >= NOTABLE_RUN).tolist()
        return {self.plan.names[at]: round(float(self.standing.rows_in_run[at]), 1) for at in notable}

    def _runs(self, at: int) -> str:
        """A warning where rows are not exchangeable: the budget is an estimate there."""
        rows = float(self.standing.rows_in_run[at])
        return f" (rows come in runs: {rows:.0f} were counted as one)" if rows >= NOTABLE_RUN else ""

    def _moved(self, at: int) -> list[dict[str, Any]]:
        bins = self.plan.bins[at]
        if self.season is not None:
            bins = replace(bins, expected=self._expected(at, self.season))
        return moved_bins(bins, self._counts(at))

    def _expected(self, at: int, season: InSeason) -> Any:
        """Pseudo-counts of what is expected of the rows that ``_counts`` counts."""
        return season.expected(self.standing.drifting.get(at))[self.plan.bounds[at] : self.plan.bounds[at + 1]]

    @cached_property
    def _named(self) -> dict[str, Any]:
        if self.season is None:
            return self.reference.named
        return {**self.reference.named, **self.season.evidence(self.evaluation.window.seasons)}

    def _in_season(self) -> str:
        return self.season.in_words(self.evaluation.window.seasons) if self.season is not None else ""

    def _histogram(self, at: int) -> dict[str, Any]:
        """``bins`` {labels, reference, current}: every bin in order, as shares, for people to look at; nothing without rows."""
        episode = self.standing.drifting.get(at)
        if episode is not None:
            current = rounded_shares(episode.drifted)
        elif self._has_rows[at]:
            current = self._window_shares[self.plan.bounds[at] : self.plan.bounds[at + 1]]
        else:
            return {}
        usual = self.plan.reference_shares[at] if self.season is None else rounded_shares(self._expected(at, self.season))
        return {"bins": {"labels": self.plan.bins[at].labels, "reference": usual, "current": current}}

    @cached_property
    def _has_rows(self) -> list[bool]:
        found: list[bool] = (self.view.n > 0).tolist()
        return found

    def _counts(self, at: int) -> Any:
        """Rows by bin: those since the drift began, else those of the window."""
        episode = self.standing.drifting.get(at)
        return episode.drifted if episode is not None else self._window_counts(at)

    def _window_counts(self, at: int) -> Any:
        return self.view.counts[self.plan.bounds[at] : self.plan.bounds[at + 1]]

    def _score_verdict(self, chosen: list[bool], score: float | None) -> Verdict:
        names = self.plan.names
        if score is None:
            return Verdict(
                Outcome.UNKNOWN,
                "no values in the window",
                None,
                self.settings.smallest_effect,
                0,
                method="effect",
                evidence=self.reference.named,
            )
        ranked = [at for at in np.argsort(-np.nan_to_num(self.view.effect), kind="stable").tolist() if chosen[at]]
        drifting = [at for at in ranked if self.view.drifting[at]]
        if not drifting:
            reason = f"no column of the window differs from the reference by more than chance explains{self._in_season()}"
        else:
            reason = f"{names_in_words([names[at] for at in drifting])} differ from the reference; {names[drifting[0]]} most, "
            reason += f"{score:.1%} of its rows moved{self._in_season()}"
        ranking = [{"feature": names[at], "score": self._scores[at]} for at in ranked[:RANKED]]
        return Verdict(
            Outcome.BAD if drifting else Outcome.OK,
            reason,
            statistic=score,
            threshold=self.settings.smallest_effect,
            sample_size=int(max(self.view.n, default=0)),
            method="effect",
            evidence={"ranking": ranking, **self._named},
        )

    def _column_verdict(self, at: int, name: str, drifting: bool) -> Verdict:
        n, effect = int(self.view.n[at]), self._effects[at]
        base = Verdict(
            Outcome.OK,
            f"{effect or 0.0:.1%} of {n} rows moved: chance explains that, or it is too little to matter",
            statistic=effect,
            threshold=self.settings.smallest_effect,
            sample_size=n,
            p_value=self._p_values[at],
            effect_size=effect,
            method="effect",
            evidence={**self._named, **self._histogram(at)},
        )
        if drifting:
            moved = self._moved(at)
            episode = self.standing.drifting.get(at)
            when = f" since about {at_time(episode.since)}" if episode is not None else " in this window"
            reason = f"{name} drifted{when}; {moved_sentence(moved)}"
            return replace(base, outcome=Outcome.BAD, reason=reason, evidence={"moved": moved, **base.evidence})
        if n < self.settings.fewest_rows:
            reason = f"{n} values of {name} in the window: at least {self.settings.fewest_rows} are needed"
            return replace(base, outcome=Outcome.UNKNOWN, reason=reason)
        return base

    def _performance(self) -> tuple[float | None, Verdict]:
        """The largest relative loss against the reference's performance, less what chance explains; None without either."""
        loss = largest_loss(self.reference.performance, self.evaluation.earlier)
        verdict = performance_verdict(loss, self.reference, self.settings.smallest_effect)
        return verdict.statistic, verdict

    def _count_verdict(self, drifting: set[int]) -> Verdict:
        names = [self.plan.names[at] for at in sorted(drifting)]
        said = (
            f"{names_in_words(names)} of {len(self.plan.names)} columns" if names else f"none of {len(self.plan.names)} columns"
        )
        return Verdict(
            Outcome.BAD if names else Outcome.OK,
            f"{said} drift, by the sequential verdict or in this window",
            statistic=float(len(names)),
            threshold=1.0,
            sample_size=self.rows,
            method="e-detector",
            evidence=self.reference.named,
        )

    def _acknowledged_verdict(self) -> Verdict:
        return Verdict(
            Outcome.OK,
            self._known().removeprefix("; ") or "no drift is acknowledged that goes on",
            statistic=float(len(self.acknowledged)),
            sample_size=self.rows,
            method="e-detector",
        )

    def _signal(self, name: str, value: float | None, labels: Mapping[str, str], verdict: Verdict | None = None) -> Signal:
        return Signal(name, value, self.evaluation.now, labels, verdict)


_Series = tuple[str, str, list[float | None], list[float | None], list[float | None]]
"""A method's answers as plain lists, one conversion for all columns: method, signal, statistics, p-values, thresholds."""


def _series(method: str, found: MeasuredMany) -> _Series:
    statistic = finite_list(found.statistic)
    unknown: list[float | None] = [None] * len(statistic)
    p_value = finite_list(found.p_value) if found.p_value is not None else unknown
    threshold = finite_list(found.threshold) if found.threshold is not None else unknown
    return method, f"drift.{method}", statistic, p_value, threshold


def finite_list(values: NDArray[np.float64]) -> list[float | None]:
    """Plain numbers; None for what is not finite."""
    return [value if math.isfinite(value) else None for value in values.tolist()]
