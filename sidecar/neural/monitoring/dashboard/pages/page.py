"""What a page is: a name in the URL, a title, and a function from what is read to what is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neural.monitoring.dashboard.reading import Reader
from neural.monitoring.dashboard.selection import Selection


@dataclass(frozen=True, slots=True)
class View:
    """What a page is given: the store as read now, and links that keep the rest of the view."""

    reader: Reader
    prefix: str = "/"
    silences_url: str = ""  # where the browser may POST a silence; empty where nothing can be changed
    alerts_url: str = ""  # where it may POST {alert_id}/acknowledge

    @property
    def selection(self) -> Selection:
        return self.reader.selection

    def href(self, **changes: Any) -> str:
        return self.selection.href(self.prefix, **changes)

    def export_href(self, file: str) -> str:
        """The link to a table (``drift.csv``) or a report (``report.html``) of this view."""
        query = self.selection.query()
        return f"{self.prefix.rstrip('/')}/export/{file}" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    title: str
    render: Callable[[View], list[Any]]
