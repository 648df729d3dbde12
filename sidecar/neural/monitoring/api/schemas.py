"""JSON Schemas of the answers, for the OpenAPI document. Tests check real answers against them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = {
    "status": "Status", "drift": "Drift", "quality": "Quality", "performance": "Performance", "slo": "SLOs", "alerts": "Alerts",
    "ledger": "Capture", "references": "References", "health": "Health",
}  # fmt: skip

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_MAYBE: dict[str, Any] = {"type": ["number", "null"]}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_FLAG: dict[str, Any] = {"type": "boolean"}
_MAYBE_FLAG: dict[str, Any] = {"type": ["boolean", "null"]}
_TIME: dict[str, Any] = {"type": "number", "description": "Unix seconds"}
_LABELS: dict[str, Any] = {"type": "object", "additionalProperties": _TEXT}
_HISTORY: dict[str, Any] = {
    "type": "array",
    "items": {"type": "array", "prefixItems": [_TIME, _MAYBE], "minItems": 2, "maxItems": 2},
    "description": "[time, value], oldest first",
}
_OUTCOME: dict[str, Any] = {"type": "string", "enum": ["ok", "bad", "unknown"]}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(*, required: bool = True, **properties: Any) -> dict[str, Any]:
    """An object whose named properties are all there; more may come with later versions."""
    return {"type": "object", "properties": properties, **({"required": list(properties)} if required else {})}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}


def _words(*words: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


_MODEL = _object(name=_TEXT, version=_TEXT)
_DRIFT_FEATURE = _object(
    feature=_TEXT,
    score=_MAYBE,
    threshold=_MAYBE,
    sample_size=_MAYBE,
    p_value=_MAYBE,
    ks=_MAYBE,
    psi=_MAYBE,
    wasserstein=_MAYBE,
    evidence=_MAYBE,
    outcome=_OUTCOME,
    reason=_TEXT,
)
_QUALITY_FEATURE = _object(
    feature=_TEXT,
    missing_rate=_MAYBE,
    outlier_rate=_MAYBE,
    invalid_rate=_MAYBE,
    unseen_rate=_MAYBE,
    stale_rate=_MAYBE,
    outcome=_OUTCOME,
    reason=_TEXT,
)
_QUALITY_CHECK = _object(value=_MAYBE, unit=_TEXT, outcome=_OUTCOME, reason=_TEXT)
_QUALITY_FINDING = _object(
    column=_TEXT, kind=_TEXT, count=_NUMBER, rows=_NUMBER, rate=_NUMBER, text=_TEXT, first_seen=_MAYBE,
    example={"type": ["string", "null"]}, outcome=_OUTCOME,
)  # fmt: skip
_INTERVAL: dict[str, Any] = {
    "type": ["array", "null"],
    "items": _NUMBER,
    "minItems": 2,
    "maxItems": 2,
    "description": "[low, high]",
}
_MEASURED = _object(value=_MAYBE, interval=_INTERVAL, outcome=_OUTCOME, reason=_TEXT)
_BY_METRIC: dict[str, Any] = {"type": "object", "additionalProperties": _MEASURED}
_MAYBE_COUNT: dict[str, Any] = {"type": ["integer", "null"], "minimum": 0}
_CLASS_ROW: dict[str, Any] = {
    "type": "object",
    "properties": {"class": _TEXT, "labels": _MAYBE_COUNT, "predictions": _MAYBE_COUNT, "metrics": _BY_METRIC},
    "required": ["class", "labels", "predictions", "metrics"],
}
_COLUMN = _object(
    name=_TEXT,
    kind=_TEXT,
    n=_COUNT,
    missing_rate=_NUMBER,
    distinct=_COUNT,
    cells=_COUNT,
    mean=_MAYBE,
    std=_MAYBE,
    minimum=_MAYBE,
    maximum=_MAYBE,
    median=_MAYBE,
)
_MAYBE_VERDICT = {"anyOf": [_ref("Verdict"), {"type": "null"}]}

SCHEMAS: Mapping[str, Any] = {
    "Problem": _object(type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT, request_id=_TEXT),
    "Verdict": _object(
        outcome=_OUTCOME, reason=_TEXT, statistic=_MAYBE, threshold=_MAYBE, sample_size={"type": ["integer", "null"]}, p_value=_MAYBE,
        effect_size=_MAYBE, method=_TEXT, evidence={"type": "object"},
    ),
    "Signal": _object(name=_TEXT, value=_MAYBE, time=_TIME, labels=_LABELS, verdict=_MAYBE_VERDICT),
    "Signals": _object(signals=_list(_ref("Signal"))),
    "SignalPage": _object(
        name=_TEXT, signals=_list(_ref("Signal")), next={"type": ["object", "null"], "description": "Query parameters of the next page"}
    ),
    "PredictionPage": _object(
        predictions=_list({"type": "object"}), next={"type": ["object", "null"], "description": "Query parameters of the next page"}
    ),
    "Ledger": _object(
        seen=_COUNT, shipped=_COUNT, sampled_out=_COUNT, dropped={"type": "object", "additionalProperties": _COUNT}, in_flight=_COUNT,
        lost=_COUNT, loss_ratio=_MAYBE, balanced=_FLAG,
    ),
    "Capture": _object(
        status=_words("ok", "no_data"), timestamp=_TIME, ledger=_ref("Ledger"),
        sources={"type": "object", "additionalProperties": _ref("Ledger")}, counters={"type": "object", "additionalProperties": _NUMBER},
        overhead_us_p50=_MAYBE, unparsed_rate=_MAYBE, backlog=_MAYBE, failures=_list({"type": "object"}),
    ),
    "Alert": _object(
        alert_id=_TEXT, fingerprint=_TEXT, rule=_TEXT, severity=_TEXT, state=_TEXT, title=_TEXT, message=_TEXT, source=_TEXT, started_at=_TIME,
        fired_at=_MAYBE, resolved_at=_MAYBE, acknowledged_by=_TEXT, acknowledged_at=_MAYBE,
        acknowledged_note=_TEXT, labels=_LABELS, evidence={"type": "object"}, updated_at=_TIME,
    ),
    "Silence": _object(silence_id=_TEXT, matchers=_LABELS, starts_at=_TIME, ends_at=_TIME, author=_TEXT, reason=_TEXT, every=_TEXT,
        lasts=_NUMBER, time_zone=_TEXT),
    "Silences": _object(silences=_list(_ref("Silence"))),
    "Alerts": _object(
        status=_words("ok", "no_alerts"), timestamp=_TIME, total_alerts=_COUNT, time_period_hours=_NUMBER,
        by_severity={"type": "object", "additionalProperties": _COUNT}, by_source={"type": "object", "additionalProperties": _COUNT},
        recent_critical=_list(_ref("Alert")), firing=_COUNT, pending=_COUNT, alerts=_list(_ref("Alert")), silences=_list(_ref("Silence")),
        undelivered={"type": "object", "additionalProperties": _COUNT},
        dead_letters=_list(_object(message_id=_TEXT, channel=_TEXT, alerts=_list(_TEXT), attempts=_COUNT, ambiguous=_COUNT, error=_TEXT,
            created_at=_TIME)),
    ),
    "SLO": _object(
        status=_words("met", "breached", "at_risk", "no_data"), slo=_TEXT, target=_MAYBE, compliance_rate=_MAYBE,
        is_meeting={"type": ["boolean", "null"]}, error_budget_remaining=_MAYBE, burn_rates={"type": "object", "additionalProperties": _MAYBE},
        burn_alerts={"type": "object", "additionalProperties": _FLAG}, current_breach=_FLAG, reason=_TEXT, verdict=_MAYBE_VERDICT,
    ),
    "SLOs": _object(
        status=_words("ok", "no_data"), timestamp=_TIME, model=_MODEL, slos={"type": "object", "additionalProperties": _ref("SLO")},
        known=_list(_TEXT),
    ),
    "Drift": _object(
        status=_words("ok", "no_data"), model=_MODEL, window=_COUNT, total_samples=_COUNT, drift_detected=_COUNT, drift_rate=_MAYBE,
        avg_prediction_drift=_MAYBE, avg_performance_drift=_MAYBE, avg_distribution_drift=_MAYBE,
        severity_distribution={"type": "object", "additionalProperties": _COUNT},
        current=_object(
            outcome=_OUTCOME, is_drifting=_FLAG, drift_severity=_words("none", "warning", "critical"), score=_MAYBE, prediction_score=_MAYBE,
            performance_score=_MAYBE, concept_score=_MAYBE, reason=_TEXT, time=_MAYBE, verdict=_MAYBE_VERDICT,
            verdicts={"type": "object", "additionalProperties": _MAYBE_VERDICT}, features=_list(_DRIFT_FEATURE), history=_HISTORY,
        ),
    ),
    "Quality": _object(
        status=_words("ok", "no_data"), model=_MODEL, window=_COUNT, total_reports=_COUNT, healthy_rate=_MAYBE, avg_quality_score=_MAYBE,
        avg_missing_rate=_MAYBE, avg_outlier_rate=_MAYBE, avg_invalid_rate=_MAYBE, total_warnings=_COUNT, recent_reports=_list({"type": "object"}),
        current=_object(
            outcome=_OUTCOME, is_healthy={"type": ["boolean", "null"]}, score=_MAYBE, missing_rate=_MAYBE, outlier_rate=_MAYBE,
            invalid_rate=_MAYBE, unseen_rate=_MAYBE, stale_rate=_MAYBE, reason=_TEXT, time=_MAYBE, verdict=_MAYBE_VERDICT,
            features=_list(_QUALITY_FEATURE), checks={"type": "object", "additionalProperties": _QUALITY_CHECK},
            findings=_list(_QUALITY_FINDING), history=_HISTORY,
        ),
    ),
    "Performance": _object(
        status=_words("ok", "no_data"), timestamp=_TIME, model=_MODEL, coverage=_MAYBE, labels=_MAYBE,
        label_delay_seconds=_MAYBE,
        estimated={"type": "object", "additionalProperties": _object(value=_NUMBER, interval=_INTERVAL, outcome=_OUTCOME)},
        metrics={"type": "object", "additionalProperties": _object(value=_NUMBER, interval=_INTERVAL, time=_TIME, outcome=_OUTCOME,
        verdict=_MAYBE_VERDICT, history=_HISTORY)},
        classes=_list(_CLASS_ROW),
        segments=_list(_object(segment=_TEXT, labels=_MAYBE_COUNT, outcome=_OUTCOME, metrics=_BY_METRIC)),
    ),
    "SLAReports": _object(start=_TIME, end=_TIME, reports=_list(_ref("SLAReport"))),
    "SLAReport": _object(
        slo_name=_TEXT, slo_type=_TEXT, model=_TEXT, description=_TEXT, target=_NUMBER, start_time=_TIME, end_time=_TIME,
        compliance_rate=_MAYBE, is_meeting=_MAYBE_FLAG, total_measurements=_COUNT, error_budget_remaining=_MAYBE,
        total_breaches=_COUNT, total_breach_duration=_NUMBER, max_breach_duration=_NUMBER,
        months=_list(
            _object(
                name=_TEXT, start=_TIME, end=_TIME, good=_NUMBER, total=_NUMBER, compliance=_MAYBE, budget_remaining=_MAYBE, met=_MAYBE_FLAG,
            )
        ),
        breaches=_list(_object(start=_TIME, end=_MAYBE, duration_seconds=_NUMBER)),
    ),
    "References": _object(status=_words("ok", "no_data"), timestamp=_TIME, references=_list(_ref("Reference"))),
    "Reference": _object(
        model=_TEXT, version=_TEXT, hash=_TEXT, reference_version=_COUNT, source=_TEXT, rows=_COUNT, created_at=_TIME,
        performance={"type": "object", "additionalProperties": _NUMBER}, columns=_list(_COLUMN),
    ),
    "Health": _object(
        timestamp=_TIME, model=_TEXT, version=_TEXT, status=_words("healthy", "warning", "critical", "no_data"), issues=_list(_TEXT),
        checks=_list(_object(name=_TEXT, status=_TEXT, detail=_TEXT)), last_evaluation=_MAYBE, age_seconds=_MAYBE,
    ),
    "Status": _object(
        status=_words("healthy", "warning", "critical", "no_data"), issues=_list(_TEXT), timestamp=_TIME, model=_MODEL, models=_list(_MODEL),
        uptime_seconds=_MAYBE, last_evaluation=_MAYBE, total_predictions=_MAYBE, total_errors=_MAYBE, error_rate=_MAYBE,
        drift={"type": "object"}, quality={"type": "object"}, performance={"type": "object"}, predictions={"type": "object"},
        slos={"type": "object", "additionalProperties": _ref("SLO")}, alerts={"type": "object"}, capture=_ref("Ledger"),
        history={"type": "object", "additionalProperties": _HISTORY},
    ),
    "Ready": _object(status=_words("ready")),
    "Alive": _object(status=_words("alive"), last_evaluation=_MAYBE),
}  # fmt: skip
