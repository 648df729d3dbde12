"""Panels as values, and the JSON Grafana reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["timeseries", "stat", "gauge", "bargauge", "table", "heatmap", "state-timeline", "row"]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
"""Columns of Grafana's grid."""


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression. ``legend`` is Grafana's template; ``instant`` asks for now only; ``exemplars`` shows traces."""

    expr: str
    legend: str = ""
    instant: bool = False
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """``steps``: colours from a value on, as (value or None for the base, colour). ``width`` of 24, ``height`` in rows of 30 px."""

    title: str
    queries: tuple[Query, ...] = ()
    kind: Kind = "timeseries"
    unit: str = "short"
    description: str = ""
    width: int = 8
    height: int = 8
    steps: tuple[tuple[float | None, str], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    stack: bool = False
    words: Mapping[str, tuple[str, str]] | None = None  # value → (text, colour)


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top: the values of a label."""

    name: str
    query: str
    label: str
    multi: bool = True


@dataclass(frozen=True, slots=True)
class Dashboard:
    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()
    span: str = "now-6h"


GOOD, WARN, BAD, CALM = "green", "orange", "red", "blue"


def row(title: str) -> Panel:
    return Panel(title, kind="row", width=WIDTH, height=1)


def dashboard_json(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard as Grafana imports or provisions it."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["neural-monitoring"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": dashboard.span, "to": "now"},
        "timezone": "browser",
        "links": [_links()],
        "annotations": {"list": [_alerts_on_charts()]},
        "templating": {"list": [_datasource_choice(), *(_choice(one) for one in dashboard.variables)]},
        "panels": _placed(dashboard.panels),
    }


def _links() -> dict[str, Any]:
    return {
        "type": "dashboards", "tags": ["neural-monitoring"], "title": "Neural", "asDropdown": True, "includeVars": True, "keepTime": True,
    }  # fmt: skip


def _alerts_on_charts() -> dict[str, Any]:
    return {
        "name": "Alerts", "datasource": DATASOURCE, "enable": True, "iconColor": BAD, "titleFormat": "{{rule}}", "step": "60s",
        "expr": 'sum by (rule) (neural_alerts{state="firing"}) > 0',
    }  # fmt: skip


def _datasource_choice() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0, "refresh": 1}


def _choice(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name, "label": variable.label, "type": "query", "datasource": DATASOURCE, "refresh": 2, "sort": 1,
        "query": {"query": variable.query, "refId": variable.name}, "definition": variable.query,
        "multi": variable.multi, "includeAll": variable.multi, "allValue": ".*" if variable.multi else None,
        "current": {"text": "All", "value": "$__all"} if variable.multi else {},
    }  # fmt: skip


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Left to right, a new line where one doesn't fit."""
    placed: list[dict[str, Any]] = []
    x = y = line = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > WIDTH:
            x, y, line = 0, y + line, 0
        placed.append({"id": number, "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}, **_panel(panel)})
        x, line = x + panel.width, max(line, panel.height)
    return placed


def _panel(panel: Panel) -> dict[str, Any]:
    if panel.kind == "row":
        return {"type": "row", "title": panel.title, "collapsed": False, "panels": []}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "targets": [_target(query, chr(ord("A") + index), panel.kind) for index, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _target(query: Query, letter: str, kind: Kind) -> dict[str, Any]:
    return {
        "refId": letter, "datasource": DATASOURCE, "expr": query.expr, "legendFormat": query.legend or "__auto",
        "instant": query.instant, "range": not query.instant, "exemplar": query.exemplars,
        "format": "table" if kind == "table" else "heatmap" if kind == "heatmap" and "_bucket" in query.expr else "time_series",
    }  # fmt: skip


def _defaults(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {"unit": panel.unit, "noValue": "no data"}
    if panel.minimum is not None:
        found["min"] = panel.minimum
    if panel.maximum is not None:
        found["max"] = panel.maximum
    if panel.decimals is not None:
        found["decimals"] = panel.decimals
    if panel.words:
        options = {value: {"text": text, "color": colour} for value, (text, colour) in panel.words.items()}
        found["mappings"] = [{"type": "value", "options": options}]
    if panel.steps:
        found["thresholds"] = {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in panel.steps]}
        found["color"] = {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"}
    if panel.kind == "timeseries":
        found["custom"] = {
            "lineWidth": 2, "fillOpacity": 20 if panel.stack else 5, "showPoints": "never", "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stack else "none"}, "thresholdsStyle": {"mode": "line" if panel.steps else "off"},
        }  # fmt: skip
    return found


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.kind == "heatmap":
        return {
            "calculate": False,
            "cellGap": 1,
            "color": {"scheme": "Oranges", "mode": "scheme", "steps": 64},
            "yAxis": {"unit": panel.unit},
        }
    if panel.kind == "table":
        return {"showHeader": True, "sortBy": [{"displayName": "Value", "desc": True}]}
    if panel.kind == "state-timeline":
        return {"mergeValues": True, "showValue": "auto"}
    return {
        "reduceOptions": {"calcs": ["lastNotNull"]},
        "orientation": "auto",
        "colorMode": "background" if panel.steps or panel.words else "value",
    }
