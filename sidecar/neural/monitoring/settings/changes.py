"""What a reload changes: key by key, and which parts only a restart can change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr

from neural.monitoring.settings.root import Settings

TAKES_EFFECT_AT_ONCE = ("alerts", "silences")
"""What a running sidecar changes over to. All else is bound, open or counted upon: sockets, folders, grids, budgets."""
HIDDEN = "(secret)"


@dataclass(frozen=True, slots=True)
class Change:
    """One key that differs. ``before`` and ``after`` are as written in the file; secrets say only that they differ."""

    key: str
    before: Any
    after: Any
    needs_restart: bool

    def __str__(self) -> str:
        text = f"{self.key}: {self.before!r} → {self.after!r}"
        return f"{text} (from the next start)" if self.needs_restart else text


def changes(before: Settings, after: Settings) -> list[Change]:
    """Every key whose value differs, in the order of the file."""
    return list(_differences(before, after, ""))


def _differences(before: Any, after: Any, key: str) -> Iterator[Change]:
    if isinstance(before, BaseModel) and type(before) is type(after):
        for name, info in type(before).model_fields.items():
            inner = f"{key}.{info.alias or name}" if key else (info.alias or name)
            yield from _differences(getattr(before, name), getattr(after, name), inner)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from _differences(before.get(name), after.get(name), f"{key}.{name}")
    elif before != after:
        yield Change(key, _shown(before), _shown(after), _needs_restart(key))


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(value, tuple | list):
        return [_shown(item) for item in value]
    return value


def _needs_restart(key: str) -> bool:
    return not any(key == part or key.startswith((f"{part}.", f"{part}[")) for part in TAKES_EFFECT_AT_ONCE)
