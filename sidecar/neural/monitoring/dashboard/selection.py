"""What the reader looks at. The whole of it stands in the URL, so every view can be sent to a colleague."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

RANGES_SECONDS = {"5m": 300.0, "15m": 900.0, "1h": 3600.0, "6h": 21600.0, "24h": 86400.0, "7d": 604800.0, "30d": 2592000.0}
AUTO_RANGE = ""  # the shortest range that shows all there is, an hour at most
MAX_QUERY_CHARACTERS = 4096
MAX_VALUE_CHARACTERS = 512
HOME = "overview"


@dataclass(frozen=True, slots=True)
class Selection:
    """One view: a page, a model version, a stretch of time, and what is picked on the page.

    ``until`` is the right edge in Unix seconds; None means "now", refreshed. Empty strings mean "not chosen".
    """

    page: str = HOME
    model: str = ""
    version: str = ""
    range: str = AUTO_RANGE
    until: float | None = None
    feature: str = ""
    measure: str = ""
    slo: str = ""
    severity: str = ""
    state: str = ""

    @property
    def live(self) -> bool:
        return self.until is None

    @classmethod
    def parse(cls, pathname: str | None, search: str | None, prefix: str = "/") -> Selection:
        """Read a URL. What makes no sense is ignored: a mangled link still opens a page."""
        page = (pathname or "/").removeprefix(prefix.rstrip("/")).strip("/") or HOME
        query = parse_qs((search or "").lstrip("?")[:MAX_QUERY_CHARACTERS])
        given = {name: values[-1][:MAX_VALUE_CHARACTERS] for name, values in query.items()}
        texts = {name: given[name] for name in _TEXTS if name in given}
        chosen = given.get("range", AUTO_RANGE)
        return cls(
            page=page[:MAX_VALUE_CHARACTERS],
            range=chosen if chosen in RANGES_SECONDS else AUTO_RANGE,
            until=_moment(given.get("until", "")),
            **texts,
        )

    def query(self) -> str:
        """The query string without the question mark; what stands at its default is left out."""
        pairs: dict[str, str] = {}
        for item in fields(self):
            value: Any = getattr(self, item.name)
            if item.name != "page" and value != item.default:
                pairs[item.name] = str(round(value)) if isinstance(value, float) else value
        return urlencode(pairs)

    def href(self, prefix: str = "/", **changes: Any) -> str:
        """The link to this view with some of it changed."""
        other = replace(self, **changes)
        path = prefix.rstrip("/") + "/" + ("" if other.page == HOME else quote(other.page, safe=""))
        query = other.query()
        return f"{path}?{query}" if query else path


_TEXTS = ("model", "version", "feature", "measure", "slo", "severity", "state")


def _moment(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 < value < 1e11 else None  # up to the year 5138
