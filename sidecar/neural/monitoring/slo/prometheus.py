"""Recording and alerting rules for Prometheus: the same objectives, computed there from the sidecars' counters, so that they add up over pods.

Shape and arithmetic are Sloth's (``slo:sli_error:ratio_rate<window>``, multi-window multi-burn-rate alerts). Availability, error rate
and latency are computed from counters. Objectives whose events are not Prometheus counters (accuracy, throughput, drift, quality,
coverage) alert on the sidecar's own burn rates. There is no low-traffic guard here, and the latency histogram counts failed requests
too. A Prometheus that keeps native histograms has no bucket that ends at the threshold: it interpolates within one of 9 %.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from neural.monitoring.errors import ConfigError
from neural.monitoring.slo.burn import BurnWindow, burn_windows, window_name
from neural.monitoring.slo.calendar import PERIODS
from neural.monitoring.slo.settings import Severity, SLOSettings, SLOType

_DAY_SECONDS = 86400.0
_COUNTED = frozenset({SLOType.AVAILABILITY, SLOType.ERROR_RATE, SLOType.LATENCY})
_SEVERITY_LABEL = {Severity.PAGE: "critical", Severity.TICKET: "warning"}


def prometheus_rules(
    slos: Sequence[SLOSettings], model: str, *, latency_bounds: Sequence[float] = (), slot_seconds: float = 60.0
) -> dict[str, Any]:
    """The rule file as plain data: {"groups": […]}.

    ``latency_bounds``: the histogram's bounds in seconds. Raises ConfigError for a latency threshold that is not one of them.
    """
    groups: list[dict[str, Any]] = []
    for slo in slos:
        if slo.model in (None, model):
            groups += _groups(slo, model, tuple(latency_bounds), burn_windows(slo.period_seconds, slot_seconds))
    return {"groups": groups}


def prometheus_rules_yaml(
    slos: Sequence[SLOSettings], model: str, *, latency_bounds: Sequence[float] = (), slot_seconds: float = 60.0
) -> str:
    """The rule file as text, ready for ``promtool check rules``."""
    document = prometheus_rules(slos, model, latency_bounds=latency_bounds, slot_seconds=slot_seconds)
    return str(yaml.dump(document, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=1000))


class _PlainDumper(yaml.SafeDumper):
    """Without anchors: every rule can be read by itself."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _groups(slo: SLOSettings, model: str, bounds: tuple[float, ...], table: tuple[BurnWindow, ...]) -> list[dict[str, Any]]:
    name = f"neural-slo-{model}-{slo.name}"
    alerts = {"name": f"{name}-alerts", "rules": _alerts(slo, model, table)}
    if slo.type not in _COUNTED:
        return [alerts]
    return [
        {"name": f"{name}-sli", "rules": [*_sli(slo, model, bounds, table), _period_sli(slo, model, table)]},
        {"name": f"{name}-meta", "rules": _meta(slo, model, table)},
        alerts,
    ]


def _selector(**labels: str) -> str:
    return "{" + ", ".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def promql_duration(seconds: float) -> str:
    """'5m'; Prometheus has no fractions of seconds, but milliseconds."""
    return window_name(seconds) if seconds == int(seconds) else f"{round(seconds * 1000)}ms"


def _labels(slo: SLOSettings, model: str) -> dict[str, str]:
    return {"slo": slo.name, "model": model}


def _error_ratio(slo: SLOSettings, model: str, bounds: tuple[float, ...], window: str) -> str:
    """The share of bad events in a window. A latency is read from whichever histogram this Prometheus keeps, classic or native."""
    if slo.type is not SLOType.LATENCY:
        total = f"sum(rate(neural_requests_total{_selector(model=model)}[{window}]))"
        bad = f"sum(rate(neural_errors_total{_selector(model=model, error_type='server')}[{window}]))"
        return f"({bad} or 0 * {total}) / {total}"  # no error series yet is no error
    limit, of_model = _bound(slo, bounds), _selector(model=model)
    total = f"sum(rate(neural_prediction_latency_seconds_count{of_model}[{window}]))"
    good = f"sum(rate(neural_prediction_latency_seconds_bucket{_selector(model=model, le=limit)}[{window}]))"
    native = f"sum(rate(neural_prediction_latency_seconds{of_model}[{window}]))"
    return f"(({total} - {good}) / {total}) or (1 - histogram_fraction(-Inf, {limit}, {native}))"


def _bound(slo: SLOSettings, bounds: tuple[float, ...]) -> str:
    if bounds and slo.limit not in bounds:
        below = max((bound for bound in bounds if bound < slo.limit), default=bounds[0])
        above = min((bound for bound in bounds if bound > slo.limit), default=bounds[-1])
        raise ConfigError(
            f"{slo.name}: the threshold {slo.limit:g} s is not a bound of the latency histogram, so Prometheus can't count it",
            hint=f"the nearest are {below:g} s and {above:g} s",
        )
    return repr(float(slo.limit))


def _sli(slo: SLOSettings, model: str, bounds: tuple[float, ...], table: Iterable[BurnWindow]) -> list[dict[str, Any]]:
    windows = sorted({seconds for row in table for seconds in (row.short_seconds, row.long_seconds)})
    rules: list[dict[str, Any]] = []
    for seconds in windows:
        window = promql_duration(seconds)
        rules.append(
            {
                "record": f"slo:sli_error:ratio_rate{window}",
                "expr": _error_ratio(slo, model, bounds, window),
                "labels": {**_labels(slo, model), "window": window},
            }
        )
    return rules


def _shortest(table: Iterable[BurnWindow]) -> str:
    return promql_duration(min(row.short_seconds for row in table))


def _period(slo: SLOSettings) -> str:
    """A calendar period is taken as its usual length: Prometheus knows rolling windows only."""
    seconds = slo.window if not isinstance(slo.window, str) else PERIODS[slo.window] // _DAY_SECONDS * _DAY_SECONDS
    return promql_duration(seconds)


def _period_sli(slo: SLOSettings, model: str, table: tuple[BurnWindow, ...]) -> dict[str, Any]:
    """The whole period as the mean of the shortest windows, as Sloth does: a rate over a month is too dear."""
    period, selector = _period(slo), _selector(**_labels(slo, model))
    short = f"slo:sli_error:ratio_rate{_shortest(table)}{selector}[{period}]"
    expr = f"sum_over_time({short}) / ignoring (window) count_over_time({short})"
    return {"record": f"slo:sli_error:ratio_rate{period}", "expr": expr, "labels": {**_labels(slo, model), "window": period}}


def _meta(slo: SLOSettings, model: str, table: tuple[BurnWindow, ...]) -> list[dict[str, Any]]:
    labels, selector = _labels(slo, model), _selector(**_labels(slo, model))
    goal, budget = _number(slo.goal), _number(1 - slo.goal)
    match = "/ on (slo, model) group_left slo:error_budget:ratio" + selector
    burns = {"current": _shortest(table), "period": _period(slo)}
    return [
        {"record": "slo:objective:ratio", "expr": f"vector({goal})", "labels": labels},
        {"record": "slo:error_budget:ratio", "expr": f"vector({budget})", "labels": labels},
        {"record": "slo:time_period:days", "expr": f"vector({_number(slo.period_seconds / _DAY_SECONDS)})", "labels": labels},
        *(
            {
                "record": f"slo:{name}_burn_rate:ratio",
                "expr": f"slo:sli_error:ratio_rate{window}{selector} {match}",
                "labels": labels,
            }
            for name, window in burns.items()
        ),
        {
            "record": "slo:period_error_budget_remaining:ratio",
            "expr": f"1 - slo:period_burn_rate:ratio{selector}",
            "labels": labels,
        },
    ]


def _alerts(slo: SLOSettings, model: str, table: tuple[BurnWindow, ...]) -> list[dict[str, Any]]:
    severities = slo.burn_alerts if slo.burn_alerts is not None else tuple(Severity)
    rules: list[dict[str, Any]] = []
    for severity, rows in itertools.groupby(table, key=lambda row: row.severity):
        if severity in severities:
            expr = " or ".join(_burning(slo, model, row) for row in rows)
            rules.append(
                {
                    "alert": f"NeuralSLOBurn{str(severity).capitalize()}",
                    "expr": expr,
                    "labels": {**_labels(slo, model), "severity": _SEVERITY_LABEL[severity], "slo_severity": str(severity)},
                    "annotations": {
                        "summary": f"The error budget of {slo.name} ({model}) burns too fast",
                        "description": f"{slo.description or slo.type}: {slo.goal:.4%} over {_period(slo)} is promised",
                    },
                }
            )
    return rules


def _burning(slo: SLOSettings, model: str, row: BurnWindow) -> str:
    pair = (promql_duration(row.short_seconds), promql_duration(row.long_seconds))
    if slo.type in _COUNTED:
        selector, limit = _selector(**_labels(slo, model)), f"({_number(row.factor)} * {_number(1 - slo.goal)})"
        sides = [f"max(slo:sli_error:ratio_rate{window}{selector} > {limit}) without (window)" for window in pair]
    else:
        sides = [
            f"max(neural_slo_burn_rate{_selector(model=model, slo=slo.name, window=window)} > {_number(row.factor)}) by (slo, model)"
            for window in pair
        ]
    return f"({sides[0]} and {sides[1]})"


def _number(value: float) -> str:
    return f"{round(value, 12):.12g}"
