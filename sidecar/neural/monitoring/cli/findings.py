"""What ``config check`` found, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neural.monitoring.settings import Settings


def found_in(settings: Settings) -> list[dict[str, Any]]:
    """Each finding: where ("file:line"), key (dotted), message."""
    from neural.monitoring import settings as room

    check = getattr(room, "check", None)  # the settings room may be installed without its lint
    found = [] if check is None else check(settings)
    return [
        {"where": getattr(one, "where", ""), "key": getattr(one, "key", ""), "message": getattr(one, "message", None) or str(one)}
        for one in found
    ]
