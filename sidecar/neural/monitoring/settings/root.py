"""The root of the configuration: every part, each owned by its domain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr

from neural.monitoring.alerts.channels.settings import ChannelsSettings
from neural.monitoring.alerts.settings import RuleSettings, SilenceSettings
from neural.monitoring.decode.settings import DecodeSettings, FeatureSettings
from neural.monitoring.drift.settings import DriftSettings
from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.predictions.settings import PredictionLogSettings
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.section import Section
from neural.monitoring.settings.basics import LogSettings, ModelSettings, MonitorSettings
from neural.monitoring.settings.export import ExportSettings
from neural.monitoring.settings.serve import DashboardSettings, ListenSettings
from neural.monitoring.settings.storage import StoreSettings
from neural.monitoring.slo.settings import SLOSettings
from neural.monitoring.windows.settings import ReferenceSettings, WindowSettings

MAX_FEATURES = 20_000
MAX_LISTED = 1_000  # SLOs, rules, monitors


class CaptureSettings(DecodeSettings, ListenSettings):
    """Where captured requests come in, and how their bodies are read."""

    model: str = ""
    """Model name of requests that carry none; ``model.name`` where left out."""
    version: str = ""
    """Model version of requests that carry none; ``model.version`` where left out."""


class Settings(Section):
    """One sidecar's configuration. The least is ``model: {name: flights}``."""

    model: ModelSettings
    """The model behind this sidecar."""
    capture: CaptureSettings = CaptureSettings()
    """Where captured requests come in, and how their bodies are read."""
    features: Annotated[Mapping[str, FeatureSettings], Field(max_length=MAX_FEATURES)] = {}
    """What is known about the features, by name; those not named are inferred."""
    reference: ReferenceSettings = ReferenceSettings()
    """What current traffic is compared with."""
    windows: WindowSettings = WindowSettings()
    """How the stream is cut into panes and windows."""
    drift: DriftSettings = DriftSettings()
    """When traffic is called different from the reference; false_alarms is the one knob."""
    quality: QualitySettings = QualitySettings()
    """What counts as bad data, and how sure to be before saying so."""
    performance: PerformanceSettings = PerformanceSettings()
    """How predictions are compared with the outcomes that become known later."""
    slos: Annotated[tuple[SLOSettings, ...], Field(max_length=MAX_LISTED)] = ()
    """Objectives: what is promised, of what, and over which time."""
    alerts: Annotated[tuple[RuleSettings, ...], Field(max_length=MAX_LISTED)] = ()
    """Alert rules, beside the predefined ones; a rule with a predefined one's name replaces it."""
    silences: Annotated[tuple[SilenceSettings, ...], Field(max_length=MAX_LISTED)] = ()
    """Times in which matching alerts are not sent: maintenance windows."""
    channels: ChannelsSettings = {}  # noqa: RUF012 - pydantic copies defaults, and the model is frozen
    """Where alerts go, by name; the name is the type too, unless type says otherwise."""
    predictions: PredictionLogSettings = PredictionLogSettings()
    """How the prediction log is kept."""
    monitors: Annotated[tuple[MonitorSettings, ...], Field(max_length=MAX_LISTED)] = ()
    """Monitors of one's own."""
    export: ExportSettings = ExportSettings()
    """Where the numbers go."""
    store: StoreSettings = StoreSettings()
    """Where state lives, how large it may grow and how long it stays."""
    dashboard: DashboardSettings = DashboardSettings()
    """The dashboard, and the JSON API beside it."""
    log: LogSettings = LogSettings()
    """What the sidecar says about itself."""

    _folder: Path = PrivateAttr(default_factory=Path)
    _places: Mapping[str, str] = PrivateAttr(default_factory=dict[str, str])

    @property
    def decoding(self) -> DecodeSettings:
        """``capture`` with the model's name and version filled in, and its path made absolute."""
        capture = self.capture
        named = {"model": capture.model or self.model.name, "version": capture.version or self.model.version}
        path = {"descriptor_set": str(self.resolve(capture.descriptor_set))} if capture.descriptor_set else {}
        return capture.model_copy(update={**named, **path})

    @property
    def prediction_log(self) -> PredictionLogSettings:
        """``predictions`` with ``store.keep.predictions``, where that is given."""
        keep = self.store.keep.predictions
        return self.predictions if keep is None else self.predictions.model_copy(update={"keep": keep})

    @property
    def folder(self) -> Path:
        """The folder of the file; relative paths in it start there. The working directory where there was no file."""
        return self._folder

    def resolve(self, path: str | Path) -> Path:
        """A path of the file, made absolute against the file's folder."""
        return self._folder / Path(path).expanduser()

    def where(self, key: str) -> str:
        """ "file:line" of a dotted key, or of its nearest parent; empty where the settings came from no file."""
        while key and key not in self._places:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return self._places.get(key, "")

    def with_source(self, folder: Path, places: Mapping[str, str]) -> Settings:
        """The same settings, knowing where in which file each stands."""
        copy = self.model_copy()
        copy._folder, copy._places = folder, places  # noqa: SLF001 - our own copy
        return copy
