"""What the sidecar said, read from its store, beside what scikit-learn says of the same labels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk
from tests.realdata.deployment import Deployment

from neural.monitoring.signal import Outcome, Signal
from neural.monitoring.store import Store

METRICS = {"classification": ("accuracy", "roc_auc"), "regression": ("mae", "rmse")}
LOWER_IS_BETTER = frozenset({"mae", "rmse"})
TOP_FEATURES = 3


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as it began. ``rows``: requests until then, from the first one; ``features``: in the order of the reason."""

    time: float
    rows: int
    reason: str


@dataclass(frozen=True, slots=True)
class Period:
    """The sidecar's last word in a period. ``realised`` and ``estimated`` by metric; ``sklearn``: of all the period's own labels."""

    name: str
    rows: int
    drifting: bool | None
    features: tuple[tuple[str, float], ...]
    realised: Mapping[str, float | None]
    verdicts: Mapping[str, str]
    estimated: Mapping[str, float | None]
    sklearn: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Findings:
    """``baseline``: the model's worth on the reference, by scikit-learn. ``falls``: first bad verdict by metric."""

    deployment: Deployment
    baseline: Mapping[str, float | None]
    drift: Alarm | None
    drift_alarms: int
    quality: Alarm | None
    quality_alarms: int
    falls: Mapping[str, Alarm]
    periods: tuple[Period, ...]
    seconds: float
    labels: int
    evaluations: int


def date(time: float) -> str:
    return dt.datetime.fromtimestamp(time, dt.UTC).strftime("%Y-%m-%d")


def findings_of(deployment: Deployment, store: Store, *, seconds: float, labels: int, evaluations: int) -> Findings:
    names = METRICS[deployment.task]
    drift, quality = (_alarms(deployment, store.read_signals([name])) for name in ("drift.alarm", "quality.alarm"))
    answers, truth = deployment.reference_answers, deployment.reference_labels
    return Findings(
        deployment=deployment,
        baseline=scikit_learns(deployment.task, answers.predictions, answers.probability, truth),
        drift=drift[0] if drift else None,
        drift_alarms=len(drift),
        quality=quality[0] if quality else None,
        quality_alarms=len(quality),
        falls=dict(_falls(deployment, store, names)),
        periods=tuple(_periods(deployment, store, names)),
        seconds=seconds,
        labels=labels,
        evaluations=evaluations,
    )


def _alarms(deployment: Deployment, signals: list[Signal]) -> list[Alarm]:
    """Each time the value rises to 1."""
    found, before = [], 0.0
    for signal in signals:
        if signal.value == 1.0 and before != 1.0:
            found.append(_alarm(deployment, signal))
        before = signal.value or 0.0
    return found


def _alarm(deployment: Deployment, signal: Signal) -> Alarm:
    rows = int(np.searchsorted(deployment.times, signal.time))
    return Alarm(signal.time, rows, signal.verdict.reason if signal.verdict else "")


def _falls(deployment: Deployment, store: Store, names: tuple[str, ...]) -> Iterator[tuple[str, Alarm]]:
    for name in names:
        bad = (one for one in store.read_signals([f"performance.{name}"]) if one.verdict and one.verdict.outcome is Outcome.BAD)
        first = next(bad, None)
        if first is not None:
            yield name, _alarm(deployment, first)


def _periods(deployment: Deployment, store: Store, names: tuple[str, ...]) -> Iterator[Period]:
    every = deployment.evaluate_every
    for period in dict.fromkeys(deployment.periods.tolist()):
        rows = np.flatnonzero(deployment.periods == period)
        until = float(np.max(deployment.times[rows] + deployment.delays[rows])) + every
        said = _last_word(store, until, every)
        scores = [(one.labels["feature"], one.value) for one in said.get("drift.feature_score", ()) if one.value is not None]
        ranked = sorted(scores, key=lambda item: -item[1])[:TOP_FEATURES]
        alarm = _one(said, "drift.alarm")
        yield Period(
            name=str(period),
            rows=len(rows),
            drifting=None if alarm is None or alarm.value is None else alarm.value == 1.0,
            features=tuple(ranked),
            realised={name: _value(said, f"performance.{name}") for name in names},
            verdicts={name: _outcome(said, f"performance.{name}") for name in names},
            estimated={name: _value(said, f"performance.estimated_{name}") for name in names},
            sklearn=scikit_learns(
                deployment.task,
                deployment.answers.predictions[rows],
                None if deployment.answers.probability is None else deployment.answers.probability[rows],
                deployment.labels[rows],
            ),
        )


def _last_word(store: Store, until: float, every: float) -> dict[str, list[Signal]]:
    """Signals of the last evaluation up to then."""
    names = ["drift.alarm", "drift.feature_score"]
    names += [f"performance.{kind}{name}" for kind in ("", "estimated_") for many in METRICS.values() for name in many]
    found: dict[str, list[Signal]] = {}
    recent = store.read_signals(names, since=until - 2 * every, until=until)
    for signal in recent:
        if signal.time == recent[-1].time:
            found.setdefault(signal.name, []).append(signal)
    return found


def _one(said: Mapping[str, list[Signal]], name: str) -> Signal | None:
    return said[name][0] if said.get(name) else None


def _value(said: Mapping[str, list[Signal]], name: str) -> float | None:
    signal = _one(said, name)
    return None if signal is None else signal.value


def _outcome(said: Mapping[str, list[Signal]], name: str) -> str:
    signal = _one(said, name)
    return signal.verdict.outcome.value if signal is not None and signal.verdict is not None else "unknown"


def scikit_learns(
    task: str, predictions: NDArray[Any], probability: NDArray[np.float64] | None, labels: NDArray[Any]
) -> dict[str, float | None]:
    """The metrics of the rows whose label is known."""
    known = np.array([label is not None and label == label for label in labels.tolist()], dtype=bool)
    made, truth = predictions[known], labels[known]
    if not len(made):
        return dict.fromkeys(METRICS[task])
    if task == "regression":
        truth = truth.astype(np.float64)
        return {"mae": float(sk.mean_absolute_error(truth, made)), "rmse": float(sk.root_mean_squared_error(truth, made))}
    both = probability is not None and len(set(truth.tolist())) == 2
    auc = float(sk.roc_auc_score((truth == "1").astype(int), probability[known])) if both and probability is not None else None
    return {"accuracy": float(np.mean(made == truth)), "roc_auc": auc}
