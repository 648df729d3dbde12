"""Where answers come from: a storage folder, or a running sidecar. Both give the same dicts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.errors import NeuralError
from neural.monitoring.store import STATE_FILE, MemoryStore, Store, open_store
from neural.monitoring.views import ask

NO_DATA = "no_data"
Answer = dict[str, Any]


def existing_folder(folder: Path) -> Path:
    """The folder, if a sidecar has kept its state there. Raises NeuralError otherwise: nothing is begun by accident."""
    if not (folder / STATE_FILE).is_file():
        raise NeuralError(f"{folder}: no monitoring data here")
    return folder


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
            return ask(question, self._store, self._clock(), wanted)
        nothing = MemoryStore()
        try:
            answer = ask(question, nothing, self._clock(), wanted)
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
        socket = url.removeprefix("unix://") if url.startswith("unix://") else None
        if socket is not None and not Path(socket).is_socket():
            raise NeuralError(f"{url}: there is no socket: is the sidecar running?")
        transport = httpx.HTTPTransport(uds=socket) if socket is not None else None
        base = "http://sidecar" if transport else url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self.client = httpx.Client(base_url=base, transport=transport, headers=headers, timeout=10, trust_env=False)
        except (httpx.InvalidURL, UnicodeError) as error:  # of the token nothing is said
            raise NeuralError(f"{url}: is no address, or the token is none ({type(error).__name__})") from None

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
        if reply.status_code == 204:
            return None
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
