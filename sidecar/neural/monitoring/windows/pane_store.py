"""The panes of every model version: what the engine feeds and monitors are shown."""

from __future__ import annotations

import logging

from neural.monitoring.clock import Clock
from neural.monitoring.records import RecordBatch, TrafficBatch
from neural.monitoring.windows.checkpoint import pack_models, unpack_models
from neural.monitoring.windows.evaluation import Evaluation
from neural.monitoring.windows.learner import Learner
from neural.monitoring.windows.model_panes import ModelPanes
from neural.monitoring.windows.reference import Reference
from neural.monitoring.windows.seasonal import in_season
from neural.monitoring.windows.settings import ReferenceSettings, WindowSettings

log = logging.getLogger(__name__)
Key = tuple[str, str]
"""(model, version)."""


class PaneStore:
    """Counts rows and traffic a model version, and makes evaluations of them. Owned by one thread.

    Without a reference, and where ``learning`` says how, the first rows are held until a reference can be learnt from them.
    ``refused_rows`` counts rows of model versions beyond ``max_models``; ``late_rows`` those too old for any pane.
    """

    def __init__(self, settings: WindowSettings, clock: Clock, learning: ReferenceSettings | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._learning = learning
        self._models: dict[Key, ModelPanes] = {}
        self._default: Reference | None = None
        self.refused_rows = 0

    def set_default_reference(self, reference: Reference) -> None:
        """The reference of every model version that has none of its own."""
        self._default = reference
        for panes in self._models.values():
            if panes.layout.reference is None:
                panes.set_reference(reference, self._clock())

    def set_reference(self, model: str, version: str, reference: Reference) -> None:
        """Replaces the reference; unless it is the same, the panes of the model version start anew."""
        panes = self._panes(model, version)
        current = self.reference(model, version)
        if panes is not None and (current is None or current.hash != reference.hash):
            panes.set_reference(reference, self._clock())

    def reference(self, model: str, version: str) -> Reference | None:
        panes = self._models.get((model, version))
        return panes.layout.reference if panes is not None else self._default

    def models(self) -> list[Key]:
        return list(self._models)

    @property
    def late_rows(self) -> int:
        return sum(panes.late_rows for panes in self._models.values())

    @property
    def unwatched_columns(self) -> int:
        """Columns beyond ``max_columns`` of all model versions; of each at most ``max_columns`` are told apart."""
        return sum(len(panes.layout.left_out) for panes in self._models.values())

    def add_rows(self, batch: RecordBatch) -> None:
        panes = self._panes(batch.model, batch.version)
        if panes is None:
            self._refuse(batch)
        else:
            panes.add_rows(batch, self._clock())

    def _refuse(self, batch: RecordBatch) -> None:
        if not self.refused_rows:
            log.warning(
                "windows.max_models is %d: %s version %s and those that come after it are not watched",
                self._settings.max_models,
                batch.model,
                batch.version,
            )
        self.refused_rows += len(batch)

    def add_traffic(self, batch: TrafficBatch) -> None:
        panes = self._panes(batch.model, batch.version)
        if panes is not None:
            panes.add_traffic(batch, self._clock())

    def evaluation(self, model: str, version: str, now: float) -> Evaluation:
        """Everything monitors may look at. Takes the increments: each row is in the ``latest`` of one evaluation only."""
        panes = self._panes(model, version)
        if panes is None:
            raise KeyError((model, version))
        window, reference = panes.window(now), panes.layout.reference
        return Evaluation(
            model=model,
            version=version,
            now=now,
            length_seconds=self._settings.length,
            window=window,
            latest=panes.take_latest(now),
            traffic=panes.traffic_window(now),
            reference=reference,
            expected=None if reference is None else in_season(reference, window.seasons),
            without_reference="there is no reference" if panes.learner is None else panes.learner.progress,
        )

    def expire(self, now: float) -> None:
        """Forget panes that no window will show again."""
        for panes in self._models.values():
            panes.expire(now)

    def snapshot(self) -> bytes:
        """Everything, for a checkpoint. ``restore`` on a store with the same settings continues as if never stopped."""
        return pack_models(self._models)

    def restore(self, data: bytes) -> None:
        """Raises ValueError when the bytes are no snapshot."""
        self._models = unpack_models(data, self._settings, self._learner)

    def _panes(self, model: str, version: str) -> ModelPanes | None:
        key = (model, version)
        if key not in self._models:
            if len(self._models) >= self._settings.max_models:
                return None
            self._models[key] = ModelPanes.new(self._settings, self._default, self._learner(), self._clock())
        return self._models[key]

    def _learner(self) -> Learner | None:
        return Learner(self._learning, self._settings) if self._learning is not None else None
