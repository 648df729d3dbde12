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

    @property
    def selection(self) -> Selection:
        return self.reader.selection

    def href(self, **changes: Any) -> str:
        return self.selection.href(self.prefix, **changes)


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    title: str
    render: Callable[[View], list[Any]]
