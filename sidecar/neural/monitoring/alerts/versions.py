"""Which versions of a model have served, and since when: an alert says what was in force before and after the last change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_MOST_VERSIONS = 8
"""Versions remembered of one model."""
_MOST_MODELS = 64


class VersionHistory:
    """Model → versions with the time at which each was first seen (Unix seconds), oldest first."""

    def __init__(self, known: dict[str, list[list[Any]]] | None = None) -> None:
        self.known: dict[str, list[list[Any]]] = {model: [list(pair) for pair in seen] for model, seen in (known or {}).items()}
        self._serving: set[tuple[str, str]] | None = None  # at the last look; None after a restart

    def see(self, serving: Iterable[tuple[str, str]], now: float) -> None:
        """Take in the (model, version) pairs that have signals now. One that comes back (a rollback) is new again."""
        current = set(serving)
        for model, version in sorted(current - (self._serving or set())):
            if model not in self.known and len(self.known) >= _MOST_MODELS:
                continue
            seen = self.known.setdefault(model, [])
            is_known = any(version == one for one, _ in seen)
            if not is_known or self._serving is not None:
                others = [pair for pair in seen if pair[0] != version]
                seen[:] = [*others[1 - _MOST_VERSIONS :], [version, now]]
        self._serving = current

    def told(self, model: str, serving: Iterable[str]) -> dict[str, Any]:
        """{"before", "after", "changed_at", "serving"}: the newest version and the one before it; alike while nothing has changed."""
        seen = self.known.get(model, [])
        if not seen:
            return {}
        after, since = seen[-1]
        before = seen[-2][0] if len(seen) > 1 else after
        changed = {"changed_at": since} if len(seen) > 1 else {}
        return {"before": before, "after": after, **changed, "serving": sorted(serving)}
