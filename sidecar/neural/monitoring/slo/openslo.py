"""OpenSLO v1, in and out: one YAML document an objective (https://github.com/OpenSLO/OpenSLO, openslo/v1).

What a sidecar counts itself has no query, so an exported indicator names a metric source of type ``neural`` whose spec holds our type
and threshold, and the import reads that back. A foreign document (Prometheus queries, say) can't be told what it measures from its
query: it is imported when it says so in the annotation or label ``neural-monitoring/type``, and refused with a reason otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import yaml
from pydantic import ValidationError

from neural.monitoring.errors import ConfigError
from neural.monitoring.slo.burn import window_name
from neural.monitoring.slo.settings import SLOSettings

API_VERSION = "openslo/v1"
TYPE_KEY = "neural-monitoring/type"
THRESHOLD_KEY = "neural-monitoring/threshold"
_SOURCE_TYPE = "neural"
_SERVICE = "model"
_CALENDAR = {"day": "1d", "week": "1w", "month": "1M", "quarter": "1Q", "year": "1Y"}
_DURATION = re.compile(r"(\d+)([mhdwMQY])")
_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PERIOD_OF = {"d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}
_MOST_BYTES = 4 * 2**20
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def export_openslo(slos: Sequence[SLOSettings], *, service: str = "") -> str:
    """YAML documents of kind SLO. ``service``: the name of the service; without it the objective's model, or "model"."""
    documents = [_document(slo, service or slo.model or _SERVICE) for slo in slos]
    return str(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True))


def import_openslo(text: str) -> list[SLOSettings]:
    """The objectives of OpenSLO documents; other kinds are looked up where an SLO refers to them. Raises ConfigError naming the document."""
    if len(text) > _MOST_BYTES:
        raise ConfigError(f"the OpenSLO text is longer than {_MOST_BYTES} bytes")
    try:
        documents = [one for one in yaml.safe_load_all(text) if one is not None]
    except yaml.YAMLError as error:
        raise ConfigError(f"not YAML: {error}") from None
    indicators = {_name(one): one for one in documents if _kind(one) == "SLI"}
    found = [settings for one in documents if _kind(one) == "SLO" for settings in _import(one, indicators)]
    if not found:
        raise ConfigError(f"there is no document of kind SLO with apiVersion {API_VERSION}")
    return found


def _document(slo: SLOSettings, service: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": str(slo.type)}
    if slo.threshold is not None:
        spec["threshold"] = slo.threshold
    if slo.model is not None:
        spec["model"] = slo.model
    source = {"metricSource": {"type": _SOURCE_TYPE, "spec": spec}}
    objective: dict[str, Any] = {"displayName": slo.name, "target": slo.goal}
    method = "Occurrences"
    if slo.sliced:  # a slot is good or bad as a whole
        method = "Timeslices"
        objective |= {"timeSliceTarget": 1.0, "timeSliceWindow": "1m"}
    return {
        "apiVersion": API_VERSION,
        "kind": "SLO",
        "metadata": {"name": _dns_name(slo.name), "displayName": slo.name, "annotations": {TYPE_KEY: str(slo.type)}},
        "spec": {
            **({"description": slo.description} if slo.description else {}),
            "service": _dns_name(service),
            "indicator": {
                "metadata": {"name": f"{_dns_name(slo.name)}-indicator"},
                "spec": {"ratioMetric": {"counter": True, "good": source, "total": source}},
            },
            "timeWindow": [_time_window(slo)],
            "budgetingMethod": method,
            "objectives": [objective],
        },
    }


def _time_window(slo: SLOSettings) -> dict[str, Any]:
    if not isinstance(slo.window, str):
        return {"duration": _duration_text(slo.window, slo.name), "isRolling": True}
    start = {"startTime": "2024-01-01 00:00:00", "timeZone": slo.time_zone}  # a Monday, and the first of all periods
    return {"duration": _CALENDAR[slo.window], "isRolling": False, "calendar": start}


def _duration_text(seconds: float, name: str) -> str:
    text = window_name(seconds)
    if not _DURATION.fullmatch(text):
        raise ConfigError(f"{name}: OpenSLO knows whole minutes, hours and days, not {seconds:g} s")
    return text


def _dns_name(name: str) -> str:
    """OpenSLO's names are DNS labels."""
    return re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:63] or _SERVICE


def _kind(document: Any) -> str:
    is_ours = isinstance(document, dict) and document.get("apiVersion") == API_VERSION
    return str(cast("dict[str, Any]", document).get("kind", "")) if is_ours else ""


def _name(document: Mapping[str, Any]) -> str:
    return str((document.get("metadata") or {}).get("name", ""))


def _import(document: Mapping[str, Any], indicators: Mapping[str, Any]) -> Iterable[SLOSettings]:
    name = _name(document)
    try:
        spec = document["spec"]
        objectives = spec["objectives"]
        facts = _facts(document, spec, indicators)
        for index, objective in enumerate(objectives):
            label = str(objective.get("displayName") or (name if len(objectives) == 1 else f"{name}-{index + 1}"))
            yield _settings(label, spec, objective, facts)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ConfigError(f"the document is not a valid SLO: {type(error).__name__} {error}", key=name) from None


def _settings(name: str, spec: Mapping[str, Any], objective: Mapping[str, Any], facts: Mapping[str, Any]) -> SLOSettings:
    target = objective["target"] if "target" in objective else float(objective["targetPercent"]) / 100
    fields: dict[str, Any] = {
        "name": _NAME.sub("-", name).strip("-")[:63],
        "description": str(spec.get("description", "")).strip(),
        "target": round(float(target), 12),
        **_window_fields(spec["timeWindow"][0], name),
        **facts,
    }
    if "threshold" not in fields and objective.get("value") is not None:
        fields["threshold"] = float(objective["value"])
    if fields["type"] == "error_rate":
        fields.pop("threshold", None)  # the target says it
    try:
        return SLOSettings.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(str(first["msg"]), key=".".join([name, *map(str, first["loc"])])) from None


def _window_fields(window: Mapping[str, Any], name: str) -> dict[str, Any]:
    match = _DURATION.fullmatch(str(window["duration"]))
    if not match:
        raise ConfigError(f"{window['duration']!r} is not an OpenSLO duration", key=name, hint="for example 28d, 1M")
    count, unit = int(match[1]), match[2]
    if window.get("isRolling", False):
        if unit not in _SECONDS:
            raise ConfigError(f"a rolling window of {match[0]} has no fixed length", key=name, hint="write it in days")
        return {"window": count * _SECONDS[unit]}
    if count != 1 or unit not in _PERIOD_OF:
        raise ConfigError(f"a calendar window of {match[0]} is not a day, week, month, quarter or year", key=name)
    return {"window": _PERIOD_OF[unit], "time_zone": str((window.get("calendar") or {}).get("timeZone", "UTC"))}


def _facts(document: Mapping[str, Any], spec: Mapping[str, Any], indicators: Mapping[str, Any]) -> dict[str, Any]:
    """Type, threshold and model: from our own metric source, or from annotations and labels."""
    indicator = spec.get("indicator") or indicators.get(str(spec.get("indicatorRef", "")))
    source = _own_source(indicator) if indicator else None
    if source is not None:
        return {key: source[key] for key in ("type", "threshold", "model") if key in source}
    metadata = document.get("metadata") or {}
    notes = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    if TYPE_KEY not in notes:
        raise ConfigError(
            "its query can't be turned into what the sidecar counts",
            key=_name(document),
            hint=f"say what it is in the annotation {TYPE_KEY}: latency",
        )
    threshold = {"threshold": notes[THRESHOLD_KEY]} if THRESHOLD_KEY in notes else {}
    return {"type": str(notes[TYPE_KEY]), **threshold}


def _own_source(indicator: Mapping[str, Any]) -> Mapping[str, Any] | None:
    metrics = indicator["spec"].get("ratioMetric") or {}
    source = (metrics.get("total") or {}).get("metricSource") or {}
    return cast("Mapping[str, Any]", source.get("spec") or {}) if source.get("type") == _SOURCE_TYPE else None
