"""Where the reference comes from: a file named in the configuration, or the first traffic."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from neural.monitoring.clock import Clock
from neural.monitoring.errors import ConfigError, NeuralError
from neural.monitoring.performance import TRUTH, Baseline, baseline_of, has_truth
from neural.monitoring.records import Column
from neural.monitoring.settings import Settings
from neural.monitoring.windows import PaneStore, Reference, build_reference, load_reference_file, watched_columns

log = logging.getLogger(__name__)
_KEY = "reference.source"


def file_reference(settings: Settings, clock: Clock) -> tuple[Reference | None, Baseline | None]:
    """The reference of ``reference.source``, and the model's worth on it where the file has the column ``label`` beside the answers.

    None when there is no such setting. Raises ConfigError: missing, unreadable, empty.
    """
    if settings.reference.source is None:
        return None, None
    path, where = settings.resolve(settings.reference.source), settings.where(_KEY)
    if not path.exists():
        raise ConfigError(
            f"there is no file {path}",
            where=where,
            key=_KEY,
            hint="write the path of a Parquet, CSV or NPZ file, or of a prediction log",
        )
    try:
        kinds = {name: one.kind for name, one in settings.features.items() if one.kind is not None}
        seasonal = settings.reference.seasonal
        columns = load_reference_file(path, kinds, time=settings.reference.time if seasonal is not None else None)
        baseline = baseline_of(columns, settings.performance) if has_truth(columns) else None
        if baseline is not None:
            del columns[TRUTH]
        reference = build_reference(
            _within(columns, settings.windows.max_columns),
            source=path.name,
            created_at=clock(),
            performance=baseline.metrics if baseline is not None else None,
            cells=settings.windows.cells,
            max_categories=settings.windows.max_categories,
            whole_rows=settings.reference.whole_rows,
            seasonal=seasonal,
        )
        return reference, None if baseline is None else replace(baseline, reference=reference.hash)
    except NeuralError as error:
        raise ConfigError(str(error), where=where, key=_KEY) from error


def _within(columns: Mapping[str, Column], most: int) -> Mapping[str, Column]:
    kept = watched_columns(columns, most)
    if len(kept) < len(columns):
        first = next(name for name in columns if name not in kept)
        log.warning(
            "windows.max_columns is %d: the reference has %d columns; %r and those after it are not watched",
            most,
            len(columns),
            first,
        )
    return kept


def use_reference(reference: Reference | None, panes: PaneStore) -> None:
    """Compare all models with it. Restored panes go on when they were counted against the same content, and start anew otherwise."""
    if reference is None:
        return
    panes.set_default_reference(reference)
    for model, version in panes.models():
        panes.set_reference(model, version, reference)
