"""Half an hour of an invented flight-delay service with one incident: at minute 18 the weather feed switches from °F to °C.

``fill(store, now)`` writes what the engine would have written: signals every 30 s, alerts, reports, the ledger. Seeded, so every run is the same.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import AlertRow, Report, Silence

MODEL = {"model": "flights", "version": "3"}
STEP = 30.0
STEPS = 60
ONSET = 36
THRESHOLD = 0.2
NASTY = "<img src=x onerror=alert(1)>"
FEATURES = ["temp", "dewp", "wind_gust", "humid", "visib", "carrier", "origin", "dest", "distance", "sched_hour", "precip", NASTY]
STRENGTH = {"temp": 3.1, "dewp": 2.4, "humid": 0.5, "wind_gust": 0.25, NASTY: 0.2}
EDGES = [10, 20, 30, 40, 50, 60, 70, 80, 90]
REFERENCE = [120, 310, 640, 980, 1230, 1150, 870, 520, 240, 90]
CELSIUS = [980, 1710, 1460, 320, 60, 0, 0, 0, 0, 0]


def fill(store, now, *, incident=True, hostile=True):
    """Write the story so that it ends at ``now``. ``hostile``: one feature is named like markup."""
    dice = random.Random(7)
    for step in range(STEPS):
        time = now - (STEPS - 1 - step) * STEP
        strength = min(1.0, max(0.0, (step - ONSET) / 8)) if incident else 0.0
        slow = incident and 44 <= step <= 50
        signals = [*_traffic(dice, time, step, slow), *_drift(dice, time, strength), *_quality(dice, time, strength)]
        signals += [
            *_performance(dice, time, step, strength),
            *_slos(dice, time, step if incident else 0, slow),
            *_capture(dice, time, step),
        ]
        store.write_signals(signals if hostile else map(_harmless, signals))
    if incident:
        _alerts(store, now)
    _reports(store, now)


def _harmless(signal):
    named = {key: "wind_dir" if value == NASTY else value for key, value in signal.labels.items()}
    return replace(signal, labels=named)


def _signal(name, value, time, verdict=None, **labels):
    return Signal(name, value, time, {**MODEL, **labels}, verdict)


def _verdict(bad, reason, **more):
    return Verdict(Outcome.BAD if bad else Outcome.OK, reason, **more)


def _traffic(dice, time, step, slow):
    wave = 42 + 6 * math.sin(step / 9) + dice.gauss(0, 1)
    stretch = 1.6 if slow else 1.0
    error = 0.004 + abs(dice.gauss(0, 0.001)) + (0.012 if slow else 0)
    yield _signal("requests.rate", wave, time)
    yield _signal("requests.count", wave * 1800, time)
    yield _signal("rows.count", wave * 1800 * 2, time)
    yield _signal("error_rate", error, time, _verdict(error > 0.05, f"{error:.1%} of requests failed, under 5%.", threshold=0.05))
    yield _signal("client_error_rate", 0.002, time)
    yield _signal("unparsed_rate", 0.0015 + dice.random() * 0.001, time)
    for name, base in (("p50", 0.012), ("p95", 0.031), ("p99", 0.064), ("mean", 0.015)):
        yield _signal(f"latency.{name}", base * stretch * (1 + dice.gauss(0, 0.04)), time)
    yield _signal("traffic.staleness", 1.2, time)


def _drift(dice, time, strength):
    scores = {}
    for feature in FEATURES:
        effect = strength * STRENGTH.get(feature, 0.0)
        psi = abs(dice.gauss(0.012, 0.006)) + effect
        score = effect * 0.3 + abs(dice.gauss(0, 0.01)) if effect > 0.05 else 0.0
        scores[feature] = score
        bad = score > THRESHOLD
        reason = (
            f"PSI {psi:.2f} over 4,530 rows is above {THRESHOLD}: the distribution has moved."
            if bad
            else f"PSI {psi:.3f} over 4,530 rows is within what chance gives."
        )
        verdict = _verdict(
            bad, reason, statistic=psi, threshold=THRESHOLD, sample_size=4530, p_value=1e-9 if bad else 0.4,
            effect_size=effect, method="effect", evidence=_evidence(feature, effect, dice, bad),
        )  # fmt: skip
        yield _signal("drift.feature_score", score, time, verdict, feature=feature)
        yield _signal("drift.psi", psi, time, verdict, feature=feature)
        yield _signal("drift.ks", min(0.9, 0.02 + abs(dice.gauss(0, 0.006)) + effect * 0.22), time, feature=feature)
        yield _signal("drift.wasserstein", abs(dice.gauss(0.03, 0.01)) + effect, time, feature=feature)
        evidence = math.exp(dice.gauss(-7, 0.8) + effect * 6)
        yield _signal("drift.evidence", evidence, time, _verdict(evidence >= 1, "e-value over threshold"), feature=feature)
    drifting = sum(value > THRESHOLD for value in scores.values())
    alarm = strength > 0.2
    reason = (
        f"{drifting} of {len(FEATURES)} features moved, most of all temp: the evidence passed the budget of 1 false alarm per 30 d."
        if alarm
        else f"No drift in {len(FEATURES)} features: the evidence is 0.001 of what an alarm takes."
    )
    yield _signal(
        "drift.alarm", float(alarm), time, _verdict(alarm, reason, statistic=strength * 40, threshold=1.0, sample_size=4530)
    )
    yield _signal("drift.model_evidence", math.exp(dice.gauss(-6, 0.6) + strength * 30), time)
    top = max(scores.values())
    yield _signal("drift.score", top, time, _verdict(top > THRESHOLD, f"The score is {top:.2f}.", threshold=THRESHOLD))
    yield _signal(
        "drift.prediction_score", 0.06 + strength * 0.21, time, _verdict(strength > 0.7, "Predictions.", threshold=THRESHOLD)
    )
    yield _signal("drift.performance_score", 0.02 + strength * 0.05, time, _verdict(False, "Performance.", threshold=THRESHOLD))
    yield _signal("drift.features", float(drifting), time)


def _evidence(feature, effect, dice, bad):
    """Whole histograms for every column, and the bins that moved most for those that drift: as the drift room writes them."""
    if feature in ("carrier", "origin", "dest"):
        labels, reference = ["UA", "B6", "EV", "DL", "AA"], [0.31, 0.26, 0.2, 0.14, 0.09]
        current = [share + dice.gauss(0, 0.004) for share in reference]
    else:
        mix = min(1.0, effect / 3.1)
        labels = [f"<= {EDGES[0]}", *(f"{a} to {b}" for a, b in pairwise(EDGES)), f"> {EDGES[-1]}"]
        reference, celsius = [r / sum(REFERENCE) for r in REFERENCE], [c / sum(CELSIUS) for c in CELSIUS]
        current = [max(0.0, r * (1 - mix) + c * mix + dice.gauss(0, 0.003)) for r, c in zip(reference, celsius, strict=True)]
    evidence = {"bins": {"labels": labels, "reference": reference, "current": current}}
    if bad:
        moved = sorted(zip(labels, reference, current, strict=True), key=lambda one: -abs(one[2] - one[1]))[:5]
        evidence["moved"] = [
            {"bin": label, "reference": r, "current": c, "change": c - r, "rows": int(4530 * c)} for label, r, c in moved
        ]
    return evidence


def _quality(dice, time, strength):
    score = 0.985 - 0.03 * strength + dice.gauss(0, 0.002)
    found = {"findings": [_finding(time, "wind_gust", "missing", 498, "11% of wind_gust is missing", None)], "others": [
        _finding(time, "", "duplicate_rows", 36, "36 rows came more than once", None)]}  # fmt: skip
    said = "4,530 rows: 1.4% of values are missing, none is invalid."
    yield _signal("quality.alarm", 0.0, time, _verdict(False, said, evidence=found))
    yield _signal("quality.schema_violations", 0.0, time, _verdict(False, "all columns are there, in order"))
    yield _signal("quality.stuck_columns", 0.0, time, _verdict(False, "every column moves"))
    yield _signal("quality.freshness", 2.4, time, _verdict(False, "the newest row is 2.4 s old, at most 600 s"))
    yield _signal("quality.score", score, time, _verdict(False, f"The score is {score:.3f}.", threshold=0.9))
    for kind, base in (("missing", 0.014), ("outlier", 0.006), ("invalid", 0.0), ("unseen", 0.0004)):
        yield _signal(
            f"quality.{kind}_rate", base * (1 + dice.random() * 0.1) + (0.02 * strength if kind == "outlier" else 0), time
        )
        for feature in FEATURES:
            extra = 0.11 if (kind, feature) == ("missing", "wind_gust") else 0.0
            extra += 0.19 * strength if (kind, feature) == ("outlier", "temp") else 0.0
            value = base * dice.random() * 0.4 + extra
            verdict = _verdict(value > 0.15, f"{value:.1%} of {feature}", threshold=0.15)
            yield _signal(f"quality.feature_{kind}_rate", value, time, verdict, feature=feature)


def _finding(time, column, kind, count, text, example):
    return {"column": column, "kind": kind, "count": count, "rows": 4530, "rate": count / 4530, "text": text,
            "first_seen": time - 900.0, "example": example}  # fmt: skip


def _by_part(time, strength):
    for name, support in (("0", 2602), ("1", 1300)):
        for metric, base in (("precision", 0.71), ("recall", 0.64), ("f1", 0.672)):
            more = {"class": name, "support": support, "called": support + 40, "interval": [base - 0.02, base + 0.02]}
            yield _signal(
                f"performance.class_{metric}",
                base,
                time,
                _verdict(False, f"{metric} of {name}", evidence=more),
                **{"class": name},
            )
    for carrier, base in (("UA", 0.842), ("AA", 0.842 - 0.15 * strength), ("<img src=x>", 0.84)):
        span = {"interval": [base - 0.03, base + 0.03]}
        verdict = _verdict(base < 0.75, f"accuracy of {carrier} is {base:.3f}", sample_size=900, evidence=span)
        yield _signal("performance.segment_accuracy", base, time, verdict, segment=f"carrier={carrier}")


def _performance(dice, time, step, strength):
    coverage = max(0.2, 0.93 - max(0, step - 40) * 0.02)
    for name, base, drop in (
        ("accuracy", 0.842, 0.06),
        ("precision", 0.71, 0.05),
        ("recall", 0.64, 0.09),
        ("f1", 0.672, 0.07),
        ("roc_auc", 0.861, 0.04),
    ):
        value = base - drop * strength + dice.gauss(0, 0.004)
        limit = 0.75 if name == "accuracy" else None
        span = {"interval": [value - 0.011, value + 0.011], "calibration": _calibration(strength)}
        verdict = _verdict(False, f"{name} is {value:.3f} over 3902 labels", threshold=limit, sample_size=3902, evidence=span)
        yield _signal(f"performance.{name}", value, time, verdict)
        if name != "roc_auc":
            guess = base - 0.6 * drop * strength + dice.gauss(0, 0.002)
            yield _signal(
                f"performance.estimated_{name}",
                guess,
                time,
                _verdict(False, f"{name} is estimated at {guess:.3f} from 4,530 predictions."),
            )
    yield from _by_part(time, strength)
    yield _signal("performance.label_delay", 95.0, time)
    yield _signal("performance.log_loss", 0.382 + 0.07 * strength + dice.gauss(0, 0.005), time)
    yield _signal("performance.brier", 0.121 + 0.02 * strength + dice.gauss(0, 0.002), time)
    yield _signal("performance.coverage", coverage, time)
    yield _signal("performance.labels", 4200 * coverage, time)


def _calibration(strength):
    """A model that grows too sure."""
    points = []
    for cell in range(10):
        sure = 0.05 + cell / 10
        rate = min(1.0, max(0.0, sure - strength * 0.22 * sure * (sure > 0.4)))
        points.append(
            {
                "n": 900.0 - 80 * cell,
                "confidence": sure,
                "hit_rate": rate,
                "low": max(0, rate - 0.03),
                "high": min(1, rate + 0.03),
            }
        )
    return points


def _slos(dice, time, step, slow):
    burn = 1.8 if slow else 0.3
    spent = max(0, step - 43) * 0.06
    for name, target, compliance, left in (
        ("fast", 0.99, 0.9952 - spent * 0.0065, 0.62 - spent),
        ("available", 0.999, 0.99962, 0.55 - step * 0.002),
        ("right", 0.8, 0.842, 0.81),
    ):
        own = burn * (6 if name == "fast" else 0.5)
        reason = f"{compliance:.2%} of requests were good, the target is {target:.1%}."
        yield _signal("slo.compliance", compliance, time, _verdict(compliance < target, reason, threshold=target), slo=name)
        yield _signal("slo.budget_remaining", left, time, _verdict(left <= 0, f"{left:.0%} of the budget is left."), slo=name)
        yield _signal("slo.target", target, time, slo=name)
        for window, factor in (("5m", 1.4), ("1h", 1.0), ("6h", 0.5), ("3d", 0.2)):
            yield _signal("slo.burn_rate", own * factor * (1 + dice.gauss(0, 0.05)), time, slo=name, window=window)
        for severity in ("page", "ticket"):
            bad = name == "fast" and severity == "ticket" and step > 48
            yield _signal(
                "slo.burn_alert",
                float(bad),
                time,
                _verdict(bad, "3.1 times the sustainable rate over 1d and 2h." if bad else "Under the sustainable rate."),
                slo=name,
                severity=severity,
            )


def _capture(dice, time, step):
    seen = 1000.0 + 1260 * step
    yield _signal("capture.seen", seen, time)
    yield _signal("capture.dropped", 12.0 if step > 45 else 0.0, time, reason="ring_full")
    yield _signal("capture.sampled_out", 0.0, time)
    yield _signal("capture.shipped", seen - (12 if step > 45 else 0), time)
    yield _signal("capture.loss_ratio", 12 / seen if step > 45 else 0.0, time)
    yield _signal("sidecar.evaluation_seconds", 0.021 + abs(dice.gauss(0, 0.003)), time)
    yield _signal("sidecar.memory_bytes", 141e6 + step * 2e5, time)
    yield _signal("sidecar.backlog", float(dice.randrange(4)), time)


def _alerts(store, now):
    at = lambda step: now - (STEPS - 1 - step) * STEP  # noqa: E731 - a short word for a time of the story
    rows = [
        AlertRow("a1", "f1", "Data drift", "critical", "firing", "Data drift",
                 "drift.alarm is 1: 2 of 12 features moved, most of all temp.", "drift", at(38), at(39), None,
                 labels=MODEL, evidence={"features": ["temp", "dewp"], "drift.score": 0.98, "rows_since_onset": 412}, updated_at=at(39)),
        AlertRow("a2", "f2", "Slow requests", "warning", "resolved", "p95 above 45 ms",
                 "latency.p95 was 0.0496 s for 2 min.", "rules", at(44), at(46), at(51),
                 labels=MODEL, evidence={"latency.p95": 0.0496}, updated_at=at(51)),
        AlertRow("a3", "f3", "Budget burns", "warning", "firing", "“fast” burns its budget",
                 "slo.burn_rate over 1d and 2h is 3.1.", "slo", at(48), at(49), None,
                 labels={**MODEL, "slo": "fast"}, evidence={"1d": 3.1, "2h": 4.4}, updated_at=at(49)),
        AlertRow("a4", "f4", "Few labels", "info", "pending", "Labels are late",
                 "performance.coverage is under 60%.", "rules", at(58), None, None, labels=MODEL, updated_at=at(58)),
    ]  # fmt: skip
    for row in rows:
        store.put_alert(row)
    store.put_silence(Silence("s1", {"rule": "Few labels"}, now - 600, now + 3600, "mira", "labels come after landing"))


def _reports(store, now):
    for age, reason, detail, example in (
        (900, "bad_json", "Expecting value at byte 0", "xxxxx xxxx: 000.0, 00"),
        (
            320,
            "bad_shape",
            "inputs[0]: 12 values, shape says 13",
            '{"inputs": [{"name": "…", "shape": [0, 00], "datatype": "…", "data": [0, 0, 0',
        ),
    ):
        body = {
            "reason": reason,
            "detail": detail,
            "prediction_id": "r-1",
            "path": "/v2/models/flights/infer",
            "example": example,
        }
        store.add_report(Report("decode_failure", now - age, "flights", "3", body))
    half = {"seen": 37_670, "shipped": 37_664, "sampled_out": 0, "dropped": {"ring_full": 6}, "in_flight": 0}
    whole = {name: 2 * count for name, count in half.items() if name != "dropped"} | {"dropped": {"ring_full": 12}}
    sources = {"flights-7d9f:worker-1": half, "flights-7d9f:worker-2": half}
    store.put_value("capture", {"ledger": whole, "sources": sources, "counters": {"events": 75_328.0}, "overhead_us_p50": 4.2})
    rows = {
        "mmd": {"statistic": 0.061, "p_value": 0.002, "is_drifting": True, "reason": "MMD 0.061: by chance once in 500 looks"},
        "pca": {"statistic": 0.4, "p_value": 0.31, "is_drifting": False, "reason": "reconstruction error as in the reference"},
    }
    store.add_report(Report("drift", now - 60, "flights", "3", {"is_drifting": True, "multivariate": rows}))
