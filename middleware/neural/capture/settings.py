"""Every setting of capture, once: the constructor, the environment and the README's table are derived from this file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple, Self, get_type_hints

ENV_PREFIX: Final = "NEURAL_CAPTURE_"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_MIB: Final = 2**20
_HIDDEN: Final = "***"

PROBE_PATHS: Final = (
    "/health", "/healthz", "/health/live", "/health/ready", "/live", "/livez", "/ready", "/readyz", "/ping", "/metrics",
    "/v2/health/live", "/v2/health/ready", "/favicon.ico",
)  # fmt: skip
HEADER_ALLOW_LIST: Final = (
    "content-type", "content-encoding", "inference-header-content-length", "x-request-id", "x-trace-links", "ce-id",
    "x-amzn-sagemaker-inference-id", "x-amzn-sagemaker-custom-attributes", "x-amzn-sagemaker-target-model",
)  # fmt: skip


class SettingsError(ValueError):
    """A setting of capture is unknown or has no usable value. Says which, and what was meant."""


class _Values(NamedTuple):
    """Name, type, what it means, default."""

    enabled: Annotated[bool, "false: the middleware does nothing at all"] = True
    model: Annotated[str, "name of the model; when empty the sidecar takes it from the path or its own configuration"] = ""
    version: Annotated[str, "version of the model"] = ""
    endpoint: Annotated[
        str,
        "where the sidecar listens: `unix:///path`, `http://host:port` (or `tcp://`), `https://host:port`; "
        "where grpcio is installed also `grpc://host:port`, `grpcs://host:port`, `grpc+unix:///path`",
    ] = "unix:///var/run/neural/capture.sock"
    service: Annotated[str, "name of this service; when empty `OTEL_SERVICE_NAME`, then the model"] = ""
    resource: Annotated[tuple[str, ...], "more about this process, each `key=value`"] = ()
    exclude: Annotated[tuple[str, ...], "paths that are not captured, exactly as requested"] = PROBE_PATHS
    id_header: Annotated[str, "carries the prediction id: taken from the request, returned on the response"] = "x-prediction-id"
    grpc_id: Annotated[
        bool,
        "gRPC: also return the prediction id, in the trailing metadata (gRPC makes that dear: some 40 µs a call)",
    ] = False
    model_header: Annotated[str, "request header that names the model, when one server has many"] = ""
    version_header: Annotated[str, "request header that names the version"] = ""
    headers: Annotated[
        tuple[str, ...],
        "headers that are captured, of the request and of the response; no others",
    ] = HEADER_ALLOW_LIST
    query: Annotated[bool, "capture the query string (it may hold keys)"] = False
    max_request_body: Annotated[int, "of a longer request body the beginning is kept; 0: none"] = _MIB
    max_response_body: Annotated[int, "of a longer response body the beginning is kept; 0: none"] = _MIB
    sample: Annotated[float, "share of requests that are kept, decided by trace id, else by prediction id"] = 1.0
    keep_errors: Annotated[
        bool,
        "keep every request with status 400 and over, exception, timeout or disconnect, whatever `sample` says",
    ] = True
    keep_slow: Annotated[float, "keep every request that took this long, whatever `sample` says; 0: no such rule"] = 1.0
    redact: Annotated[
        tuple[str, ...],
        "JSON paths to blank before anything leaves the process: `user.email`, `instances.*.ssn`, `**.token`",
    ] = ()
    ring_bytes: Annotated[int, "memory for what waits to be shipped, bodies of running requests included"] = 64 * _MIB
    ring_events: Annotated[int, "events that may wait to be shipped"] = 65_536
    batch_events: Annotated[int, "events in one batch at most"] = 256
    batch_bytes: Annotated[int, "bytes of bodies in one batch, about"] = 4 * _MIB
    flush_interval: Annotated[float, "seconds until a batch leaves that is not full"] = 0.25
    heartbeat_interval: Annotated[float, "seconds between ledgers sent without events"] = 10.0
    timeout: Annotated[float, "seconds one batch may take to be sent and acknowledged"] = 5.0
    max_backoff: Annotated[float, "seconds between attempts at most while the sidecar is away"] = 5.0
    shutdown_timeout: Annotated[float, "seconds to ship what is left when the process ends"] = 2.0
    degrade: Annotated[bool, "shed bodies, then events, under pressure, and come back by itself"] = True
    overhead_budget: Annotated[float, "seconds capture may cost a request (median) before it sheds work"] = 0.0002
    ca_file: Annotated[str, "certificates to trust for `https` and `grpcs`, instead of the system's"] = ""
    cert_file: Annotated[str, "certificate (PEM) that this server shows the sidecar, where the sidecar asks for one (mTLS)"] = ""
    key_file: Annotated[str, "its private key (PEM); when empty it stands in `cert_file`"] = ""
    token: Annotated[str, "bearer token, for a sidecar that is not on this machine"] = ""


class Settings(_Values):
    """How to capture. Sizes in bytes, times in seconds. Raises SettingsError for a value that can't be."""

    __slots__ = ()

    def __new__(cls, *values: Any, **named: Any) -> Self:
        made = super().__new__(cls, *values, **named)
        made.check()
        return made

    def __repr__(self) -> str:
        """Without the token: settings end up in logs."""
        return _Values.__repr__(self._replace(token=_HIDDEN) if self.token else self)

    def check(self) -> None:
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
_DEFAULTS: Final[Mapping[str, Any]] = Settings._field_defaults


def load_settings(options: Mapping[str, Any] | None = None, env: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the constructor's options, else the environment, else the defaults.

    An option that is None counts as not given. Raises SettingsError, with the nearest name for an unknown one.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    for name in given:
        if name not in _DEFAULTS:
            raise SettingsError(_unknown(name))
    values = {name: _coerce(name, value) for name, value in given.items()}
    for name in _DEFAULTS.keys() - values.keys():
        text = env.get(ENV_PREFIX + name.upper())
        if text is not None:
            values[name] = _coerce(name, text)
    return Settings(**values)


def settings_table() -> str:
    """The README's table of settings, in Markdown."""
    rows = ["| setting | environment | default | |", "|---|---|---|---|"]
    about = get_type_hints(_Values, include_extras=True)
    rows += [
        f"| `{name}` | `{ENV_PREFIX}{name.upper()}` | {_shown(default)} | {about[name].__metadata__[0]} |"
        for name, default in _DEFAULTS.items()
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

    near = get_close_matches(name, _DEFAULTS, n=1)
    return f"{name}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "")


def _coerce(name: str, value: Any) -> Any:
    """The value in the type of the setting's default. Texts come from the environment; the list separator is a comma."""
    default = _DEFAULTS[name]
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
