"""What the file says about spans, filled up from OTEL_* variables, then from OTel's defaults.

Variables: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neural.monitoring.export.incidents import IncidentWatch
from neural.monitoring.export.otlp_transport import Transport, asked_for, resource_from, transport, whole
from neural.monitoring.export.sampling import SpanSampler, sampler_from
from neural.monitoring.export.verdicts import Verdicts, no_verdicts
from neural.monitoring.settings import OTLPSettings

if TYPE_CHECKING:
    from neural.monitoring.export.spans import SpanEmitter

DEFAULT_COUNT = 128
"""OTel's limit of attributes, events and links of a span."""


@dataclass(frozen=True, slots=True)
class SpanOptions:
    """Everything decided about spans. Times are seconds."""

    transport: Transport
    queue: int = 2048
    batch: int = 512
    delay_seconds: float = 5.0
    sampler: SpanSampler = field(default_factory=SpanSampler)
    resource: Mapping[str, str] = field(default_factory=dict[str, str])
    max_value_length: int | None = None
    max_attributes: int = DEFAULT_COUNT
    max_events: int = DEFAULT_COUNT
    max_links: int = DEFAULT_COUNT


def span_options(settings: OTLPSettings | None, env: Mapping[str, str]) -> SpanOptions | None:
    """None where spans are off: not configured at all, ``traces: false``, OTEL_SDK_DISABLED or OTEL_TRACES_EXPORTER=none."""
    if not asked_for(settings, env, "traces"):
        return None
    settings = settings or OTLPSettings()
    if not settings.traces:
        return None
    batch = settings.batch or whole(env, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)
    length = whole(env, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", whole(env, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", 0))
    return SpanOptions(
        transport=transport(settings, env, "traces"),
        queue=max(settings.queue or whole(env, "OTEL_BSP_MAX_QUEUE_SIZE", 2048), batch),
        batch=batch,
        delay_seconds=settings.delay if settings.delay is not None else whole(env, "OTEL_BSP_SCHEDULE_DELAY", 5000) / 1000,
        sampler=sampler_from(settings.sample, env),
        resource=resource_from(settings, env),
        max_value_length=length or None,
        max_attributes=whole(env, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", whole(env, "OTEL_ATTRIBUTE_COUNT_LIMIT", DEFAULT_COUNT)),
        max_events=whole(env, "OTEL_SPAN_EVENT_COUNT_LIMIT", DEFAULT_COUNT),
        max_links=whole(env, "OTEL_SPAN_LINK_COUNT_LIMIT", DEFAULT_COUNT),
    )


def span_emitter(
    settings: OTLPSettings | None,
    env: Mapping[str, str] = os.environ,
    *,
    verdicts: Verdicts = no_verdicts,
    incidents: IncidentWatch | None = None,
) -> SpanEmitter | None:
    """The emitter that file and environment ask for; None where spans are off. Raises ConfigError as ``otlp_exporter``."""
    options = span_options(settings, env)
    if options is None:
        return None
    from neural.monitoring.export.spans import SpanEmitter  # OpenTelemetry is loaded where spans are asked for

    return SpanEmitter(options, verdicts=verdicts, incidents=incidents)
