"""Every setting of capture, once: the constructor, the environment and the README's table are derived from this file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Final

ENV_PREFIX: Final = "NEURAL_CAPTURE_"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_MIB: Final = 2**20

PROBE_PATHS: Final = (
    "/health", "/healthz", "/health/live", "/health/ready", "/live", "/livez", "/ready", "/readyz", "/ping", "/metrics",
    "/v2/health/live", "/v2/health/ready", "/favicon.ico",
)  # fmt: skip
HEADER_ALLOW_LIST: Final = (
    "content-type", "content-encoding", "inference-header-content-length", "x-request-id", "ce-id",
    "x-amzn-sagemaker-inference-id", "x-amzn-sagemaker-custom-attributes", "x-amzn-sagemaker-target-model",
)  # fmt: skip


class SettingsError(ValueError):
    """A setting of capture is unknown or has no usable value. Says which, and what was meant."""


def _setting(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to capture. Sizes in bytes, times in seconds."""

    enabled: bool = _setting(default=True, about="false: the middleware does nothing at all")
    model: str = _setting("", "name of the model; when empty the sidecar takes it from the path or its own configuration")
    version: str = _setting("", "version of the model")
    endpoint: str = _setting(
        "unix:///var/run/neural/capture.sock",
        "where the sidecar listens: `unix:///path`, `http://host:port` (or `tcp://`), `https://host:port`",
    )
    service: str = _setting("", "name of this service; when empty `OTEL_SERVICE_NAME`, then the model")
    resource: tuple[str, ...] = _setting((), "more about this process, each `key=value`")
    exclude: tuple[str, ...] = _setting(PROBE_PATHS, "paths that are not captured, exactly as requested")
    id_header: str = _setting("x-prediction-id", "carries the prediction id: taken from the request, returned on the response")
    grpc_id: bool = _setting(
        default=False,
        about="gRPC: also return the prediction id, in the trailing metadata (gRPC makes that dear: some 40 µs a call)",
    )
    model_header: str = _setting("", "request header that names the model, when one server has many")
    version_header: str = _setting("", "request header that names the version")
    headers: tuple[str, ...] = _setting(
        HEADER_ALLOW_LIST, "headers that are captured, of the request and of the response; no others"
    )
    query: bool = _setting(default=False, about="capture the query string (it may hold keys)")
    max_request_body: int = _setting(_MIB, "of a longer request body the beginning is kept; 0: none")
    max_response_body: int = _setting(_MIB, "of a longer response body the beginning is kept; 0: none")
    sample: float = _setting(1.0, "share of requests that are kept, decided by trace id, else by prediction id")
    keep_errors: bool = _setting(
        default=True,
        about="keep every request with status 400 and over, exception, timeout or disconnect, whatever `sample` says",
    )
    keep_slow: float = _setting(1.0, "keep every request that took this long, whatever `sample` says; 0: no such rule")
    redact: tuple[str, ...] = _setting(
        (), "JSON paths to blank before anything leaves the process: `user.email`, `instances.*.ssn`, `**.token`"
    )
    ring_bytes: int = _setting(32 * _MIB, "memory for what waits to be shipped, bodies of running requests included")
    ring_events: int = _setting(65_536, "events that may wait to be shipped")
    batch_events: int = _setting(256, "events in one batch at most")
    batch_bytes: int = _setting(4 * _MIB, "bytes of bodies in one batch, about")
    flush_interval: float = _setting(0.25, "seconds until a batch leaves that is not full")
    heartbeat_interval: float = _setting(10.0, "seconds between ledgers sent without events")
    timeout: float = _setting(5.0, "seconds one batch may take to be sent and acknowledged")
    max_backoff: float = _setting(5.0, "seconds between attempts at most while the sidecar is away")
    shutdown_timeout: float = _setting(2.0, "seconds to ship what is left when the process ends")
    degrade: bool = _setting(default=True, about="shed bodies, then events, under pressure, and come back by itself")
    overhead_budget: float = _setting(0.0002, "seconds capture may cost a request (median) before it sheds work")
    ca_file: str = _setting("", "certificates to trust for `https`, instead of the system's")

    def __post_init__(self) -> None:
        if not 0.0 < self.sample <= 1.0:
            raise SettingsError(f"sample: {self.sample!r} is not above 0 and at most 1")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise SettingsError(f"{name}: {getattr(self, name)!r} is not above 0")
        for name in ("max_request_body", "max_response_body", "keep_slow"):
            if not getattr(self, name) >= 0:
                raise SettingsError(f"{name}: {getattr(self, name)!r} is below 0")


_POSITIVE: Final = (
    "ring_bytes", "ring_events", "batch_events", "batch_bytes", "flush_interval", "heartbeat_interval", "timeout", "max_backoff",
    "shutdown_timeout", "overhead_budget",
)  # fmt: skip
_FIELDS: Final[dict[str, Field[Any]]] = {item.name: item for item in fields(Settings)}


def load_settings(options: Mapping[str, Any] | None = None, env: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the constructor's options, else the environment, else the defaults.

    An option that is None counts as not given. Raises SettingsError, with the nearest name for an unknown one.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    for name in given:
        if name not in _FIELDS:
            raise SettingsError(_unknown(name))
    values = {name: _coerce(name, value) for name, value in given.items()}
    for name in _FIELDS.keys() - values.keys():
        text = env.get(ENV_PREFIX + name.upper())
        if text is not None:
            values[name] = _coerce(name, text)
    return Settings(**values)


def settings_table() -> str:
    """The README's table of settings, in Markdown."""
    rows = ["| setting | environment | default | |", "|---|---|---|---|"]
    rows += [
        f"| `{name}` | `{ENV_PREFIX}{name.upper()}` | {_shown(item.default)} | {item.metadata['about']} |"
        for name, item in _FIELDS.items()
    ]
    return "\n".join(rows) + "\n"


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        return ", ".join(f"`{item}`" for item in default) or "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"`{default}`" if isinstance(default, str) and default else str(default) or "empty"


def _unknown(name: str) -> str:
    from difflib import get_close_matches  # 5 ms to import, needed only to explain a mistake

    near = get_close_matches(name, _FIELDS, n=1)
    return f"{name}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "")


def _coerce(name: str, value: Any) -> Any:
    """The value in the type of the setting's default. Texts come from the environment; the list separator is a comma."""
    default = _FIELDS[name].default
    assert default is not MISSING
    try:
        if isinstance(default, tuple):
            items = value.split(",") if isinstance(value, str) else value
            return tuple(text for item in items if (text := str(item).strip()))
        if isinstance(default, bool):
            return value if isinstance(value, bool) else _boolean(value)
        if isinstance(default, str):
            return str(value)
        return type(default)(value)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{name}: {value!r} is not a {type(default).__name__}") from error


def _boolean(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(text)
    return text in _TRUE
