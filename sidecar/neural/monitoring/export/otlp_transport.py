"""How to reach a collector: what the file says, filled up from OTEL_* variables, then from OTel's defaults.

Variables: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from neural.monitoring.settings import OTLPSettings

Protocol = Literal["grpc", "http/protobuf"]
OTLPSignal = Literal["traces", "metrics", "logs"]
_HTTP_PORT = 4318
_LEAST_MILLISECONDS = 1000
_UNLIMITED_MS = 86_400_000
_EXPORT_TIMEOUT: Mapping[str, str] = {
    "traces": "OTEL_BSP_EXPORT_TIMEOUT",
    "metrics": "OTEL_METRIC_EXPORT_TIMEOUT",
    "logs": "OTEL_BLRP_EXPORT_TIMEOUT",
}
"""Milliseconds that one export may take, whatever the exporter's own timeout is."""
_DEFAULT_ENDPOINT: Mapping[str, str] = {"grpc": "http://localhost:4317", "http/protobuf": "http://localhost:4318"}


@dataclass(frozen=True, slots=True)
class Transport:
    """Everything decided about the way. ``headers`` may hold secrets and are not shown."""

    protocol: Protocol
    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    compression: Literal["none", "gzip"] = "none"
    timeout_seconds: float = 10.0
    certificate: str | None = None
    client_key: str | None = None
    client_certificate: str | None = None

    tls: bool = False  # for a gRPC endpoint without a scheme

    @property
    def secure(self) -> bool:
        return self.endpoint.startswith("https") or (self.tls and "://" not in self.endpoint)


def transport(settings: OTLPSettings, env: Mapping[str, str], signal: OTLPSignal) -> Transport:
    """The way for one signal: its own variables go before those for every signal."""
    protocol = _protocol(settings, env, signal)
    timeout = _seconds(whole(env, _own(signal, "TIMEOUT"), whole(env, "OTEL_EXPORTER_OTLP_TIMEOUT", 10)))
    most = whole(env, _EXPORT_TIMEOUT[signal], _UNLIMITED_MS) / 1000
    return Transport(
        protocol=protocol,
        endpoint=_endpoint(settings, env, protocol, signal),
        headers=_headers(settings, env, signal),
        compression="gzip" if (settings.compression or _variable(env, signal, "COMPRESSION")) == "gzip" else "none",
        timeout_seconds=min(settings.timeout or timeout, most),
        certificate=settings.certificate or _variable(env, signal, "CERTIFICATE") or None,
        client_key=_variable(env, signal, "CLIENT_KEY") or None,
        client_certificate=_variable(env, signal, "CLIENT_CERTIFICATE") or None,
        tls=_variable(env, signal, "INSECURE").lower() == "false",
    )


def _seconds(timeout: int) -> float:
    """OTel's specification counts milliseconds, its Python SDK seconds: from a thousand on it can only be the former."""
    return timeout / 1000 if timeout >= _LEAST_MILLISECONDS else float(timeout)


def asked_for(settings: OTLPSettings | None, env: Mapping[str, str], signal: OTLPSignal) -> bool:
    """Whether file or environment want OTLP at all; OTEL_SDK_DISABLED and OTEL_<SIGNAL>_EXPORTER=none switch it off."""
    asked = settings is not None or bool(_variable(env, signal, "ENDPOINT"))
    disabled = env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return asked and not disabled and env.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip() != "none"


def resource_from(settings: OTLPSettings, env: Mapping[str, str]) -> dict[str, str]:
    """Resource attributes: OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME, then the file's."""
    found = _pairs(env.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    name = env.get("OTEL_SERVICE_NAME", "").strip()
    return {**found, **({"service.name": name} if name else {}), **settings.resource}


def exemplars_wanted(env: Mapping[str, str]) -> bool:
    """OTEL_METRICS_EXEMPLAR_FILTER. Only traced requests have something to point at, so that always_on is trace_based here."""
    return env.get("OTEL_METRICS_EXEMPLAR_FILTER", "").strip() != "always_off"


def whole(env: Mapping[str, str], name: str, default: int) -> int:
    """A positive number of a variable; anything else is taken as not set, as OTel asks."""
    try:
        value = int(float(env.get(name, "").strip()))
    except (ValueError, OverflowError):
        return default
    return value if value > 0 else default


def _own(signal: OTLPSignal, name: str) -> str:
    return f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}"


def _variable(env: Mapping[str, str], signal: OTLPSignal, name: str) -> str:
    return env.get(_own(signal, name), "").strip() or env.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()


def _protocol(settings: OTLPSettings, env: Mapping[str, str], signal: OTLPSignal) -> Protocol:
    named = settings.protocol or _variable(env, signal, "PROTOCOL")
    if named in {"http/protobuf", "http/json", "http"}:
        return "http/protobuf"
    if named == "grpc":
        return "grpc"
    parts = urlsplit(settings.endpoint or _variable(env, signal, "ENDPOINT"))
    return "http/protobuf" if parts.port == _HTTP_PORT or parts.path.strip("/") else "grpc"


def _endpoint(settings: OTLPSettings, env: Mapping[str, str], protocol: Protocol, signal: OTLPSignal) -> str:
    own = env.get(_own(signal, "ENDPOINT"), "").strip()
    if settings.endpoint is None and own:
        return own  # a signal's own variable is taken as it stands
    base = settings.endpoint or env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip() or _DEFAULT_ENDPOINT[protocol]
    if protocol == "grpc":
        return base
    base = base.rstrip("/").removesuffix("/v1/traces")
    return f"{base}/v1/{signal}"


def _headers(settings: OTLPSettings, env: Mapping[str, str], signal: OTLPSignal) -> dict[str, str]:
    found = _pairs(env.get("OTEL_EXPORTER_OTLP_HEADERS", "")) | _pairs(env.get(_own(signal, "HEADERS"), ""))
    own = {name: secret.get_secret_value() for name, secret in settings.headers.items()}
    return {name.lower(): value for name, value in {**found, **own}.items()}


def _pairs(text: str) -> dict[str, str]:
    """key=value,key=value with percent-encoded values, as OTel writes headers and resources."""
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {key.strip(): unquote(value.strip()) for key, _, value in pairs if key.strip()}
