"""Hot reload: a changed file is read again; when it is wrong the old configuration stays in force, and that is said."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from watchfiles import watch

from neural.monitoring.alerts import AlertEngine, build_rules, build_silences
from neural.monitoring.engine import Engine
from neural.monitoring.errors import NeuralError
from neural.monitoring.settings import Settings, changes

log = logging.getLogger(__name__)
Load = Callable[[], Settings]
"""Reads the configuration again. Raises ConfigError when it is wrong."""
_STOP_SECONDS = 2.0


class Reloader:
    """Rules and silences change over at once; of everything else it says that it waits for the next start. Thread-safe."""

    def __init__(self, settings: Settings, load: Load, engine: Engine, alerting: AlertEngine) -> None:
        self._settings, self._load, self._engine, self._alerting = settings, load, engine, alerting
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self) -> Mapping[str, Any]:
        """{"changed": [{key, before, after, needs_restart}]}. Raises NeuralError, and changes nothing, when the file is wrong."""
        with self._lock:
            settings = self._load()
            rules, silences = build_rules(settings.alerts), build_silences(settings.silences)
            found = changes(self._settings, settings)
            if found:
                self._engine.run("the new alert rules", lambda: self._alerting.replace_rules(rules))
                self._engine.run("the new silences", lambda: self._alerting.replace_silences(silences))
                self._settings = settings
        for one in found:
            log.info("configuration: %s", one)
        return {
            "changed": [{"key": o.key, "before": o.before, "after": o.after, "needs_restart": o.needs_restart} for o in found]
        }

    def watch(self, file: Path) -> None:
        """Follow the file in a thread of its own. Its folder is watched: editors and ConfigMaps replace files, they don't write into them."""
        self._thread = threading.Thread(target=self._follow, args=(file,), name="neural-reload", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _follow(self, file: Path) -> None:
        before = _content(file)
        for _ in watch(file.parent, stop_event=self._stop, recursive=False, raise_interrupt=False):
            content = _content(file)
            if content == before:
                continue
            before = content
            try:
                self()
            except NeuralError as error:
                log.error("the changed configuration is wrong, the old one stays in force: %s", error)  # noqa: TRY400 - the message says it all


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
