"""What the file says about spans, filled up from OTEL_* variables, then from OTel's defaults.

Variables: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and …/protocol/exporter/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from neural.monitoring.export.sampling import SpanSampler, sampler_from
from neural.monitoring.settings import OTLPSettings

Protocol = Literal["grpc", "http/protobuf"]
_HTTP_PORT = 4318
_DEFAULT_ENDPOINT: Mapping[str, str] = {"grpc": "http://localhost:4317", "http/protobuf": "http://localhost:4318"}
_TRACES_PATH = "/v1/traces"


@dataclass(frozen=True, slots=True)
class SpanOptions:
    """Everything decided. Times are seconds; ``headers`` may hold secrets and are not shown."""

    protocol: Protocol
    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    compression: Literal["none", "gzip"] = "none"
    timeout_seconds: float = 10.0
    certificate: str | None = None
    client_key: str | None = None
    client_certificate: str | None = None
    queue: int = 2048
    batch: int = 512
    delay_seconds: float = 5.0
    sampler: SpanSampler = field(default_factory=SpanSampler)
    resource: Mapping[str, str] = field(default_factory=dict[str, str])
    max_value_length: int | None = None


def span_options(settings: OTLPSettings | None, env: Mapping[str, str]) -> SpanOptions | None:
    """None where spans are off: not configured at all, ``traces: false``, OTEL_SDK_DISABLED or OTEL_TRACES_EXPORTER=none."""
    asked = settings is not None or bool(_otlp(env, "ENDPOINT"))
    exporter = env.get("OTEL_TRACES_EXPORTER", "otlp").strip() or "otlp"
    if not asked or env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return None
    settings = settings or OTLPSettings()
    if not settings.traces:
        return None
    protocol = _protocol(settings, env)
    batch = settings.batch or _whole(env, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)
    return SpanOptions(
        protocol=protocol,
        endpoint=_endpoint(settings, env, protocol),
        headers=_headers(settings, env),
        compression="gzip" if (settings.compression or _otlp(env, "COMPRESSION")) == "gzip" else "none",
        timeout_seconds=settings.timeout
        or _whole(env, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", _whole(env, "OTEL_EXPORTER_OTLP_TIMEOUT", 10)),
        certificate=settings.certificate or _otlp(env, "CERTIFICATE") or None,
        client_key=_otlp(env, "CLIENT_KEY") or None,
        client_certificate=_otlp(env, "CLIENT_CERTIFICATE") or None,
        queue=max(settings.queue or _whole(env, "OTEL_BSP_MAX_QUEUE_SIZE", 2048), batch),
        batch=batch,
        delay_seconds=settings.delay if settings.delay is not None else _whole(env, "OTEL_BSP_SCHEDULE_DELAY", 5000) / 1000,
        sampler=sampler_from(settings.sample, env),
        resource={**_resource(env), **settings.resource},
        max_value_length=_whole(
            env, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", _whole(env, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", 0)
        )
        or None,
    )


def _otlp(env: Mapping[str, str], name: str) -> str:
    """The variable for traces, else that for every signal."""
    return env.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}", "").strip() or env.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()


def _protocol(settings: OTLPSettings, env: Mapping[str, str]) -> Protocol:
    named = settings.protocol or _otlp(env, "PROTOCOL")
    if named in {"http/protobuf", "http/json", "http"}:
        return "http/protobuf"
    if named == "grpc":
        return "grpc"
    endpoint = settings.endpoint or _otlp(env, "ENDPOINT")
    parts = urlsplit(endpoint)
    return "http/protobuf" if parts.port == _HTTP_PORT or parts.path.strip("/") else "grpc"


def _endpoint(settings: OTLPSettings, env: Mapping[str, str], protocol: Protocol) -> str:
    own = env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip()
    if settings.endpoint is None and own:
        return own  # the traces' own variable is taken as it stands
    base = settings.endpoint or env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip() or _DEFAULT_ENDPOINT[protocol]
    if protocol == "grpc" or urlsplit(base).path.endswith(_TRACES_PATH):
        return base
    return base.rstrip("/") + _TRACES_PATH


def _headers(settings: OTLPSettings, env: Mapping[str, str]) -> dict[str, str]:
    found = _pairs(env.get("OTEL_EXPORTER_OTLP_HEADERS", "")) | _pairs(env.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS", ""))
    own = {name: secret.get_secret_value() for name, secret in settings.headers.items()}
    return {name.lower(): value for name, value in {**found, **own}.items()}


def _resource(env: Mapping[str, str]) -> dict[str, str]:
    found = _pairs(env.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    name = env.get("OTEL_SERVICE_NAME", "").strip()
    return {**found, "service.name": name} if name else found


def _pairs(text: str) -> dict[str, str]:
    """key=value,key=value with percent-encoded values, as OTel writes headers and resources."""
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {key.strip(): unquote(value.strip()) for key, _, value in pairs if key.strip()}


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    """A positive number of a variable; anything else is taken as not set, as OTel asks."""
    try:
        value = int(float(env.get(name, "").strip()))
    except (ValueError, OverflowError):
        return default
    return value if value > 0 else default
