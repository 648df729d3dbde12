"""What ``config check`` found, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neural.monitoring.settings import Settings


def found_in(settings: Settings) -> list[dict[str, Any]]:
    """Each finding: weight ("error" | "warning"), where ("file:line"), key (dotted), message, hint, text (all of it in one line)."""
    from neural.monitoring.settings import check

    return [
        {
            "weight": one.weight.value,
            "where": one.where,
            "key": one.key,
            "message": one.message,
            "hint": one.hint,
            "text": str(one),
        }
        for one in check(settings)
    ]
