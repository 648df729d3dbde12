"""What flows through the sidecar once bytes have been decoded: rows in columns, traffic, and matched labels.

Columns whose name starts with ``@`` are not features: ``@prediction``, ``@probability:<class>``, ``@latency``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

PREDICTION = "@prediction"
PROBABILITY_PREFIX = "@probability:"
LATENCY = "@latency"


class Kind(StrEnum):
    """What a column holds."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    TEXT = "text"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class Coding:
    """n values of few kinds: value i is ``names[codes[i]]``. ``names``: each once, None for what is missing; ``codes``: intp (n,)."""

    names: tuple[Any, ...]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, values: Sequence[Any]) -> Coding:
        """Values that can be hashed; equal ones share a name."""
        places = {value: place for place, value in enumerate(dict.fromkeys(values))}
        return cls(tuple(places), np.fromiter(map(places.__getitem__, values), np.intp, len(values)))

    def counts(self) -> list[int]:
        """How often each name occurs."""
        found: list[int] = np.bincount(self.codes, minlength=len(self.names)).tolist()
        return found

    def values(self) -> NDArray[Any]:
        """The values themselves: an object array of shape (n,)."""
        names = np.empty(len(self.names), dtype=object)
        names[:] = self.names
        return names[self.codes]


@dataclass(frozen=True, slots=True)
class Column:
    """One named column of n values.

    ``values``: float64 of shape (n,) for numeric and boolean (NaN where missing or invalid; infinities stay), object array of
    str for categorical and text (None where missing), float32 of shape (n, d) for embeddings. ``missing`` and ``invalid`` are boolean masks of
    shape (n,); invalid marks values of another type than the column's ("abc" in a numeric column). ``coding``: the same values as
    numbers, where whoever built the column had them: counting those is much cheaper.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    invalid: NDArray[np.bool_] | None = None
    coding: Coding | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """n decoded rows of one model and version.

    ``times``: Unix seconds of the request each row came in (float64, (n,)). ``row_ids``: the prediction id, or "id:row" where
    one request held several rows. ``latency_seconds``: the request's, repeated for its rows. ``weights``: inverse sampling fraction.
    ``predictions``: a column (numeric for regression, categorical for classes) or None. ``probabilities``: class name → float64 (n,).
    """

    model: str
    version: str
    times: NDArray[np.float64]
    row_ids: Sequence[str]
    features: Mapping[str, Column]
    predictions: Column | None = None
    probabilities: Mapping[str, NDArray[np.float64]] = field(default_factory=dict[str, NDArray[np.float64]])
    latency_seconds: NDArray[np.float64] | None = None
    weights: NDArray[np.float64] | None = None
    decoder: str = ""
    trace_ids: Sequence[str] = ()  # 32 hex digits or "", aligned with times, or empty

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True)
class TrafficBatch:
    """n requests of one model and version, whether or not their bodies could be decoded.

    ``times``: when each request began (Unix seconds); ``status``: HTTP status (gRPC codes are mapped: 0 → 200, server faults → 500,
    others → 400); ``failed``: the server was to blame (an SLO's bad event); ``weights``: inverse sampling fraction.
    """

    model: str
    version: str
    times: NDArray[np.float64]
    latency_seconds: NDArray[np.float64]
    status: NDArray[np.int32]
    failed: NDArray[np.bool_]
    weights: NDArray[np.float64]
    unparsed: Mapping[str, int] = field(default_factory=dict[str, int])  # reason → requests
    trace_ids: Sequence[str] = ()  # 32 hex digits or "", aligned with times, or empty
    request_ids: Sequence[str] = ()  # the prediction ids, aligned with times, or empty

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True)
class LabelledBatch:
    """n predictions whose outcome has become known.

    ``times`` are those of the predictions, ``label_times`` those of the labels' arrival (Unix seconds). ``predictions`` and ``labels``:
    object arrays of str (classification) or float64 (regression). ``probabilities``: class → float64 (n,), NaN where unknown.
    ``corrected`` marks rows whose label replaces an earlier one, given in ``previous_labels`` with its arrival in ``previous_label_times``.
    """

    model: str
    version: str
    times: NDArray[np.float64]
    label_times: NDArray[np.float64]
    row_ids: Sequence[str]
    predictions: NDArray[Any]
    labels: NDArray[Any]
    probabilities: Mapping[str, NDArray[np.float64]] = field(default_factory=dict[str, NDArray[np.float64]])
    corrected: NDArray[np.bool_] | None = None
    previous_labels: NDArray[Any] | None = None
    previous_label_times: NDArray[np.float64] | None = None
    segments: Mapping[str, NDArray[Any]] = field(
        default_factory=dict[str, NDArray[Any]]
    )  # feature → its values as text (object, (n,))
    expected_errors: NDArray[np.float64] | None = (
        None  # what |prediction − label| was expected to be when the prediction was made
    )

    def __len__(self) -> int:
        return len(self.times)
