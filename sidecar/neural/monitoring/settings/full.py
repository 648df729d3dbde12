"""The file with every key and its default, written from the settings models themselves: config/full.yaml."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from neural.monitoring.section import parse_duration_seconds, parse_fraction, parse_size_bytes
from neural.monitoring.settings.root import Settings
from neural.monitoring.settings.units import duration_text, fraction_text, size_text
from neural.monitoring.windows.settings import LearnFor

OFF = "#: "
"""Begins a line that stands under something that is off or empty by default."""

_HEAD = """\
# Every key, with its default. Leave out what you don't change: the least is  model: {name: flights}
# Durations are written 30s, 5m, 1h30m, 7d; sizes 64KiB, 5GiB; shares 99.9% or 0.999.
# ${NAME} and ${NAME:-default} come from the environment; a secret may also be {file: path}.
# Lines that begin with "#:" show the keys of what is off or empty by default: take the "#:" away to use them.
"""

_EXAMPLES: Mapping[str, Any] = {
    "predictions.upload.url": "s3://my-bucket/predictions?region=eu-central-1",
    "model.name": "flights",
    "capture.tls.certificate": "server.pem",
    "capture.tls.key": "server.key",
    "features.*": "temp",
    "monitors[].use": "my_package.my_module:MyMonitor",
    "slos[].name": "fast",
    "slos[].type": "latency",
    "slos[].threshold": "100ms",
    "slos[].target": "99%",
    "alerts[].name": "High Error Rate",
    "alerts[].when": "error_rate > 0.05",
    "alerts[].message": "Error rate is {error_rate:.2%}",
    "silences[].match": {"rule": "Data drift"},
    "silences[].starts": "2026-03-01T22:00:00Z",
    "silences[].ends": "2026-03-02T06:00:00Z",
    "silences[].author": "ana",
    "channels.*.url": "https://example.com/alerts",
    "channels.*.urls": ["http://alertmanager:9093"],
    "channels.*.webhook": "${WEBHOOK}",
    "channels.*.smtp_server": "smtp.example.com",
    "channels.*.from_addr": "neural@example.com",
    "channels.*.to_addrs": ["on-call@example.com"],
    "channels.*.routing_key": "${ROUTING_KEY}",
    "export.otlp.endpoint": "http://otel-collector:4317",
}
"""What stands for keys without a default, and in what is off for keys that would say nothing."""

_UNITS = {parse_duration_seconds: duration_text, parse_size_bytes: size_text, parse_fraction: fraction_text}


def full_yaml() -> str:
    """The text of config/full.yaml."""
    return _HEAD + "\n".join(_section(Settings, None, "", 0)) + "\n"


@dataclass(frozen=True, slots=True)
class _Holds:
    """What a field holds: sections (one, a list or a mapping of them) or plain values."""

    sections: tuple[type[BaseModel], ...] = ()
    container: str = "one"  # one | list | map


def _section(model: type[BaseModel], instance: BaseModel | None, place: str, indent: int, *, off: bool = False) -> Iterator[str]:
    for name, info in model.model_fields.items():
        key = info.alias or name
        here = f"{place}.{key}" if place else key
        yield from _field(key, info, _value(name, info, instance, here, off=off), here, indent, off=off)


def _value(name: str, info: FieldInfo, instance: BaseModel | None, place: str, *, off: bool) -> Any:
    if instance is not None:
        return getattr(instance, name)
    value = info.get_default(call_default_factory=True, validated_data={})
    says_nothing = value is PydanticUndefined or (off and value in (None, ""))
    return _EXAMPLES.get(place, value) if says_nothing else value


def _field(key: str, info: FieldInfo, value: Any, place: str, indent: int, *, off: bool) -> Iterator[str]:
    pad = "  " * indent
    if indent == 0:
        yield ""
    yield f"{pad}# {_comment(key, info)}"
    holds = _holds(info.annotation)
    if isinstance(value, BaseModel):
        yield f"{pad}{key}:"
        yield from _section(type(value), value, place, indent + 1, off=off)
    elif holds.sections and value is PydanticUndefined:
        yield f"{pad}{key}:"
        yield from _section(holds.sections[0], None, place, indent + 1, off=off)
    else:
        yield f"{pad}{key}: {_text(value, info)}"
        if holds.sections and not value and not off:
            yield from (f"{OFF}{line}" for line in _shown_off(key, holds, place, indent))


def _shown_off(key: str, holds: _Holds, place: str, indent: int) -> Iterator[str]:
    """The keys of a section that is off or of a list or mapping that is empty."""
    pad = "  " * indent
    yield f"{pad}{key}:"
    for model in holds.sections:
        if holds.container == "one":
            yield from _section(model, None, place, indent + 1, off=True)
        elif holds.container == "map":
            kind = model.model_fields.get("type")
            yield f"{pad}  {kind.default if kind is not None else _EXAMPLES.get(f'{place}.*', 'name')}:"
            yield from _section(model, None, f"{place}.*", indent + 2, off=True)
        else:
            lines = list(_section(model, None, f"{place}[]", indent + 2, off=True))
            first = next(index for index, line in enumerate(lines) if not line.lstrip().startswith("#"))
            lines[first] = f"{pad}  - {lines[first].lstrip()}"
            yield from lines


def _comment(key: str, info: FieldInfo) -> str:
    text = " ".join((info.description or _first_line(info.annotation) or f"The {key}.").replace("``", "").split())
    return f"{text.rstrip('.')}. Required." if info.is_required() else text


def _first_line(annotation: Any) -> str:
    """What the section itself says, where its field says nothing."""
    sections = _holds(annotation).sections
    return (sections[0].__doc__ or "").strip().partition("\n")[0] if sections else ""


def _holds(annotation: Any) -> _Holds:
    """The sections inside an annotation, through Annotated, unions, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _Holds((annotation,))
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _holds(arguments[0])
    if origin in {typing.Union, types.UnionType}:
        found = [_holds(part) for part in arguments]
        sections = tuple(section for part in found for section in part.sections)
        return _Holds(sections, next((part.container for part in found if part.sections), "one"))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _Holds(_holds(arguments[1]).sections, "map")
    if isinstance(origin, type) and issubclass(origin, tuple | list) and arguments:
        return _Holds(_holds(arguments[0]).sections, "list")
    return _Holds()


def _unit(annotation: Any, metadata: typing.Iterable[Any] = ()) -> Any:
    """The writer of the values' unit, where the annotation says one."""
    for item in (*metadata, *getattr(annotation, "__metadata__", ())):
        if isinstance(item, BeforeValidator):
            if item.func in _UNITS:
                return _UNITS[item.func]
            if _reads_durations(item.func):
                return duration_text
    return next((found for part in typing.get_args(annotation) if (found := _unit(part)) is not None), None)


def _reads_durations(function: Any) -> bool:
    """True for a domain's own reader that takes durations among other words ("28d" or "month")."""
    try:
        return bool(function("28d") == 28 * 86400.0)
    except (TypeError, ValueError):
        return False


def _text(value: Any, info: FieldInfo) -> str:
    plain = _plain(value, _unit(info.annotation, info.metadata))
    return (
        yaml.safe_dump(plain, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
        .removesuffix("\n...\n")
        .strip()
    )


def _plain(value: Any, unit: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, unit) for key, inner in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [_plain(inner, unit) for inner in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, SecretStr):
        return ""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, LearnFor):
        return f"{value.rows} rows" if value.rows is not None else duration_text(value.seconds or 0)
    if is_dataclass(value):
        return str(value)  # such a value says itself as it is written
    if unit is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return unit(value)
    return value
