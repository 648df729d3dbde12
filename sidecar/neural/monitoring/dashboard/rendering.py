"""From a URL to what the browser shows. Whatever goes wrong becomes a sentence on the page, never a blank one."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from dash import dcc, html

from neural.monitoring.clock import Clock
from neural.monitoring.dashboard.components import empty, failure, remark
from neural.monitoring.dashboard.layout import navigation, toolbar
from neural.monitoring.dashboard.pages import PAGES, View
from neural.monitoring.dashboard.reading import Reader
from neural.monitoring.dashboard.selection import Selection
from neural.monitoring.dashboard.words import date_time, seconds
from neural.monitoring.errors import NeuralError
from neural.monitoring.store.protocol import Store
from neural.monitoring.views import SnapshotBoard

_log = logging.getLogger(__name__)
MAX_AGE_SECONDS = 60.0  # then a page is made anew even if nothing was measured: "4 min ago" goes on, silence is noticed
MAX_REMEMBERED = 16  # views
LEAST_REFRESH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one view looks like. ``slots``: id of a place in the shell → what stands there. ``live``: it is to be asked for again
    every ``refresh_seconds``."""

    name: str
    title: str
    live: bool
    refresh_seconds: float
    slots: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name, "title": self.title, "live": self.live, "refreshSeconds": self.refresh_seconds, "slots": self.slots,
        }  # fmt: skip


class Renderer:
    """Renders any view of one store. Thread-safe: each rendering makes its own Reader, and the memory is only ever replaced.

    A view asked for again before anything was measured is answered from memory: pages ask every few seconds, the engine evaluates every
    minute, and several people may look at the same page.
    """

    def __init__(
        self,
        store: Store,
        board: SnapshotBoard | None = None,
        *,
        prefix: str,
        clock: Clock,
        refresh_seconds: float,
        silences_url: str = "",
        alerts_url: str = "",
    ) -> None:
        self._store, self._board, self._prefix, self._clock = store, board, prefix, clock
        self._refresh_seconds = refresh_seconds
        self._silences_url, self._alerts_url = silences_url, alerts_url
        self._made: dict[tuple[str | None, str | None], tuple[Any, float, Rendered]] = {}

    def view(self, pathname: str | None, search: str | None) -> View:
        selection = Selection.parse(pathname, search, self._prefix)
        snapshot = self._board.current() if self._board else None
        return View(Reader(self._store, selection, self._clock(), snapshot), self._prefix, self._silences_url, self._alerts_url)

    def render(self, pathname: str | None, search: str | None) -> Rendered:
        """Never raises: what goes wrong stands on the page."""
        view = self.view(pathname, search)
        key, now = (pathname, search), view.reader.now
        try:
            mark = view.reader.mark()
            before = self._made.get(key)
            if before and before[0] == mark and now - before[1] < MAX_AGE_SECONDS:
                slots = {**before[2].slots, "toolbar": toolbar(view, before[2].refresh_seconds)}
                return replace(before[2], slots=slots)
            made = self._render(view)
        except NeuralError as error:
            return self._failed(view, failure("The store can't be read.", str(error)))
        except Exception as error:
            _log.exception("the dashboard's page %r could not be made", view.selection.page)
            return self._failed(
                view, failure("This page could not be made.", f"{type(error).__name__}; the log has the details.")
            )
        self._made = {**dict(list(self._made.items())[-MAX_REMEMBERED:]), key: (mark, now, made)}
        return made

    def _render(self, view: View) -> Rendered:
        page = PAGES.get(view.selection.page)
        content = [*_notes(view), *(page.render(view) if page else _missing(view))]
        every = self._refresh(view)
        return self._assembled(view, toolbar(view, every), content, every)

    def _refresh(self, view: View) -> float:
        """As often as there can be something new, but not more often than people can read."""
        step = view.reader.step
        return min(self._refresh_seconds, max(step, LEAST_REFRESH_SECONDS)) if step else self._refresh_seconds

    def _failed(self, view: View, content: Any) -> Rendered:
        return self._assembled(view, [], [content], self._refresh_seconds)

    @staticmethod
    def _assembled(view: View, tools: list[Any], content: list[Any], every: float) -> Rendered:
        page = PAGES.get(view.selection.page)
        title = f"{page.title if page else 'Not found'} · Neural Monitoring"
        slots = {"nav": navigation(view), "toolbar": tools, "page": content}
        return Rendered(view.selection.page, title, view.selection.live, every, slots)


def _missing(view: View) -> list[Any]:
    return [
        html.H1("There is no such page"),
        empty("The link may be mistyped.", dcc.Link("To the overview", href=view.href(page="overview"))),
    ]


def _notes(view: View) -> list[Any]:
    """What a reader must know of the whole page: that it is sampled, or that its stretch of time is empty."""
    reader = view.reader
    newest = reader.newest_time
    if newest is not None and newest < reader.since:
        link = dcc.Link("Show that time", href=view.href(until=newest))
        return [
            remark(
                [
                    f"Nothing was measured in this stretch of time. The newest measurement is of {date_time(newest)} UTC. ",
                    link,
                    ".",
                ]
            )
        ]
    if reader.sampled_every is not None:
        return [remark(f"Charts show one evaluation every {seconds(reader.sampled_every)}; alerts show all.")]
    return []
