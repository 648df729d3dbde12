"""Finding and loading the configuration file. No searching: the file named, or the one in the storage path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neural.monitoring.errors import ConfigError

if TYPE_CHECKING:
    from neural.monitoring.settings import Settings
    from neural.monitoring.slo import SLOSettings

CONFIG_FILE = "neural-monitor.yaml"


def configuration_file(config: Path | None, storage_path: Path) -> Path:
    """The file that is read."""
    return config or storage_path / CONFIG_FILE


def load_configuration(config: Path | None, storage_path: Path, *, override_path: bool = False) -> Settings:
    """The settings; with ``override_path`` state goes to ``storage_path``. Raises ConfigError naming every mistake."""
    from neural.monitoring.settings import load_settings

    file = configuration_file(config, storage_path)
    if file.is_dir():
        raise ConfigError("is a folder, not a file", where=str(file))
    if not file.is_file():
        raise ConfigError("no such file", where=str(file), hint="write one with: neural monitor init")
    settings = load_settings(file)
    if not override_path:
        return settings
    return settings.model_copy(update={"store": settings.store.model_copy(update={"path": storage_path.absolute()})})


def configured_objectives(storage_path: Path) -> Sequence[SLOSettings]:
    """Those of the configuration in the storage path; none where there is no file, or where it says what this process can't know
    (an ${ENVIRONMENT} of the sidecar's)."""
    if not configuration_file(None, storage_path).is_file():
        return ()
    try:
        return load_configuration(None, storage_path).slos
    except ConfigError:
        return ()
