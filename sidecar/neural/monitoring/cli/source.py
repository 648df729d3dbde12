"""Where answers come from: a storage folder, or a running sidecar. Both give the same dicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from neural.monitoring import views
from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.errors import NeuralError
from neural.monitoring.store import STATE_FILE, MemoryStore, Store, open_store

NO_DATA = "no_data"
Answer = dict[str, Any]
_View = Callable[[Store, float, Mapping[str, Any]], Answer]


def _which(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"model": wanted.get("model"), "version": wanted.get("version")}


VIEWS: Mapping[str, _View] = {
    "status": lambda store, now, wanted: views.status(store, now, **_which(wanted)),
    "drift": lambda store, _, wanted: views.drift(store, wanted.get("window", 100), **_which(wanted)),
    "quality": lambda store, _, wanted: views.quality(store, wanted.get("window", 100), **_which(wanted)),
    "performance": lambda store, now, wanted: views.performance(store, now, **_which(wanted)),
    "alerts": lambda store, now, wanted: views.alerts(store, now, wanted.get("hours", 24), wanted.get("severity")),
    "slo": lambda store, now, wanted: views.slos(store, now, wanted.get("name"), **_which(wanted)),
    "ledger": lambda store, now, _: views.capture(store, now),
    "health": lambda store, now, wanted: views.health(store, now, **_which(wanted)),
}
"""The questions, by the name they have in the HTTP API (GET /api/v1/<name>)."""


class Source(Protocol):
    """``ask`` returns the answer; ``missing`` says why nothing can be known at all ("" when something can)."""

    missing: str

    def ask(self, question: str, wanted: Mapping[str, Any]) -> Answer: ...
    def close(self) -> None: ...


class FolderSource:
    """Reads the state file beside a sidecar that may be writing it. A folder without one answers ``no_data``."""

    def __init__(self, folder: Path, clock: Clock = system_clock) -> None:
        self._folder, self._clock = folder, clock
        self._store: Store | None = None
        self.missing = ""

    def ask(self, question: str, wanted: Mapping[str, Any]) -> Answer:
        """One view's dict; before there is a state file the empty answer, with ``status`` "no_data" and a ``message``."""
        if self._store is None and (self._folder / STATE_FILE).is_file():
            self._store = open_store(self._folder, read_only=True)
        self.missing = "" if self._folder.is_dir() else f"{self._folder}: no such folder"
        if self._store is not None:
            return VIEWS[question](self._store, self._clock(), wanted)
        nothing = MemoryStore()
        try:
            answer = VIEWS[question](nothing, self._clock(), wanted)
        finally:
            nothing.close()
        return {
            **answer,
            "status": NO_DATA,
            "message": self.missing or f"{self._folder}: no monitoring data yet: start the sidecar",
        }

    def close(self) -> None:
        if self._store is not None:
            self._store.close()


class SidecarSource:
    """Asks a running sidecar over HTTP: ``http://host:port``, or ``unix:///path/to.sock``."""

    def __init__(self, url: str, token: str = "") -> None:
        import httpx  # here, because it costs a tenth of a second that a folder does not need

        self.missing = ""
        self._url = url
        transport = httpx.HTTPTransport(uds=url.removeprefix("unix://")) if url.startswith("unix://") else None
        base = "http://sidecar" if transport else url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(base_url=base, transport=transport, headers=headers, timeout=10, trust_env=False)

    def ask(self, question: str, wanted: Mapping[str, Any]) -> Answer:
        parameters = {key: value for key, value in wanted.items() if value is not None}
        answer: Answer = self.request("GET", f"/api/v1/{question}", params=parameters)
        return answer

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Send a request and return the JSON of the reply. Raises NeuralError with the sidecar's own words."""
        import httpx

        try:
            reply = self.client.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NeuralError(f"{self._url}: can't be reached ({error})") from None
        try:
            body = reply.json()
        except ValueError:
            raise NeuralError(f"{self._url}: answered {reply.status_code}, and not with JSON: is this a sidecar?") from None
        if reply.is_error:
            detail = body.get("detail") or body.get("title") if isinstance(body, dict) else None
            raise NeuralError(f"{self._url}: {detail or f'answered {reply.status_code}'}")
        return body

    def close(self) -> None:
        self.client.close()
