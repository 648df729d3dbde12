"""From matched rows to labelled batches, one for each model, version and task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.block import Block
from neural.monitoring.performance.labels import Label, Scalar, class_name, class_names, number
from neural.monitoring.performance.rows import Layout
from neural.monitoring.records import LabelledBatch


@dataclass(frozen=True, slots=True)
class Match:
    """One row and its label. ``previous``: the label it had before and when that arrived, for a correction."""

    block: Block
    row: int
    label: Label
    previous: tuple[Scalar, float] | None

    def take_back(self) -> None:
        """The label can't be used: the row is as it was before."""
        self.block.set_label(self.row, self.previous)


def labelled_batches(matches: Sequence[Match], segments: Sequence[str] = ()) -> tuple[list[LabelledBatch], list[Match]]:
    """Batches of the matches that can be compared, and the matches that can't: no prediction, or a label that is no number.

    ``segments``: names of the segment features, as in the settings.
    """
    groups: dict[Layout, list[Match]] = {}
    rejected: list[Match] = []
    for match in matches:
        if _usable(match):
            groups.setdefault(match.block.layout, []).append(match)
        else:
            rejected.append(match)
    return [_batch(group, segments) for group in groups.values()], rejected


def _usable(match: Match) -> bool:
    made = match.block.predictions[match.row]
    if made is None or (isinstance(made, float) and np.isnan(made)):
        return False
    if not match.block.layout.regression:
        return True
    return number(made) is not None and number(match.label.label) is not None


def _batch(matches: Sequence[Match], segments: Sequence[str]) -> LabelledBatch:
    layout = matches[0].block.layout
    spell = _numbers if layout.regression else class_names
    corrected = np.array([match.previous is not None for match in matches], dtype=np.bool_)
    previous: NDArray[Any] | None = None
    previous_times: NDArray[np.float64] | None = None
    if corrected.any():
        previous = np.empty(len(matches), dtype=object)
        previous[:] = [None if match.previous is None else _spelled(match.previous[0], layout) for match in matches]
        previous_times = np.array([np.nan if match.previous is None else match.previous[1] for match in matches])
    return LabelledBatch(
        model=layout.model,
        version=layout.version,
        times=np.array([match.block.times[match.row] for match in matches], dtype=np.float64),
        label_times=np.array([match.label.time for match in matches], dtype=np.float64),
        row_ids=[match.label.id for match in matches],
        predictions=spell([match.block.predictions[match.row] for match in matches]),
        labels=spell([match.label.label for match in matches]),
        probabilities={
            class_name(name): np.array([match.block.probabilities[at, match.row] for match in matches])
            for at, name in enumerate(layout.classes)
        },
        corrected=corrected if previous is not None else None,
        previous_labels=previous,
        previous_label_times=previous_times,
        segments={
            name: np.array([match.block.segments[at, match.row] for match in matches], dtype=object)
            for at, name in enumerate(segments)
        },
        expected_errors=_expected(matches),
    )


def _expected(matches: Sequence[Match]) -> NDArray[np.float64] | None:
    values = [None if match.block.expected is None else float(match.block.expected[match.row]) for match in matches]
    known = [value for value in values if value is not None]
    return np.array(known) if len(known) == len(values) else None


def _spelled(label: Scalar, layout: Layout) -> Any:
    return number(label) if layout.regression else class_name(label)


def _numbers(values: Sequence[Any]) -> NDArray[np.float64]:
    return np.array([float(value) for value in values], dtype=np.float64)
