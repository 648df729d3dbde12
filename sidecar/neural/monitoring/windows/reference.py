"""What current traffic is compared with: an immutable, hashed summary of reference rows, column by column."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from neural.monitoring.errors import ReferenceDataError
from neural.monitoring.records import Kind
from neural.monitoring.windows.derive import Derivation
from neural.monitoring.windows.order import RunLengths
from neural.monitoring.windows.seasons import Seasons

OTHER = "_other"
UNSEEN = "_unseen"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ColumnReference:
    """One column of the reference.

    ``counts``: reference values a cell, int64 of shape (cells,). For numeric and boolean columns (and the lengths of texts, the
    norms of embeddings) cells lie between ``edges`` (see ``grid``), so ``cells == len(edges) + 1``, and the first and last are
    outside the reference's range. For categorical columns cells are ``labels``, then ``_other``, then ``_unseen``, and ``edges``
    is empty. ``n`` counts usable values (not missing, not invalid, finite). Moments and quantiles are None for categorical and
    empty columns.
    ``categories``: every category kept with its count, most frequent first; ``singletons`` of them occurred once.
    ``runs``: how the rows follow each other, see ``order``.
    ``held``: like ``counts``, for every second row only: an honest estimate for categories chosen by the other half.
    """

    name: str
    kind: Kind
    n: int
    missing: int = 0
    invalid: int = 0
    non_finite: int = 0
    edges: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    mean: float | None = None
    std: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    median: float | None = None
    mad: float | None = None
    q1: float | None = None
    q3: float | None = None
    distinct: int = 0
    labels: tuple[str, ...] = ()
    categories: Mapping[str, int] = field(default_factory=dict[str, int])
    singletons: int = 0
    held: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    runs: RunLengths = ()

    @property
    def total(self) -> int:
        """Values seen, usable or not."""
        return self.n + self.missing + self.invalid + self.non_finite

    @property
    def missing_rate(self) -> float:
        return self.missing / self.total if self.total else 0.0

    @property
    def is_categorical(self) -> bool:
        return self.kind is Kind.CATEGORICAL

    def cell_label(self, cell: int) -> str:
        """A cell in words: a category, "= 3", "<= 1.5", "1.5 to 2", "> 9"."""
        if self.is_categorical:
            return (*self.labels, OTHER, UNSEEN)[cell]
        return self.range_label(cell, cell)

    def range_label(self, first: int, last: int) -> str:
        """The cells ``first`` to ``last`` of a numeric column in words."""
        return cell_range_label(self.edges, first, last)


def cell_range_label(edges: NDArray[np.float64], first: int, last: int) -> str:
    """The cells ``first`` to ``last`` of a numeric grid in words."""
    low = None if first == 0 else float(edges[first - 1])
    high = None if last >= len(edges) else float(edges[last])
    if low is None and high is None:
        return "any"
    if low is None:
        return f"<= {high:.6g}"
    if high is None:
        return f"> {low:.6g}"
    if np.nextafter(low, np.inf) == high:
        return f"= {high:.6g}"
    return f"{low:.6g} to {high:.6g}"


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference of one model version. ``hash`` and ``version`` name it in every verdict; ``source`` says in words where it came from.

    ``version``: 1 for the first reference of a model version, one more whenever another takes its place; no part of the content.

    Columns are keyed by name; ``@prediction``, ``@probability:<class>`` and ``@latency`` are columns too.
    """

    columns: Mapping[str, ColumnReference]
    rows: int
    source: str
    created_at: float  # Unix seconds
    performance: Mapping[str, float] = field(default_factory=dict[str, float])
    hash: str = ""
    derivation: Derivation = field(default_factory=Derivation)
    version: int = 1
    seasons: Seasons | None = None

    def __post_init__(self) -> None:
        if not self.hash:
            object.__setattr__(self, "hash", _digest(self))

    @property
    def named(self) -> dict[str, Any]:
        """How verdicts name it, as evidence: ``reference`` (hash) and ``reference_version``."""
        return {"reference": self.hash, "reference_version": self.version}

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if not name.startswith("@"))

    def to_bytes(self) -> bytes:
        """JSON; ``from_bytes`` gives an equal reference back."""
        body = {
            "format": FORMAT,
            "rows": self.rows,
            "source": self.source,
            "created_at": self.created_at,
            "performance": dict(self.performance),
            "hash": self.hash,
            "version": self.version,
            "columns": [_column_to_json(column) for column in self.columns.values()],
            **_more_json(self),
        }
        return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)

    @classmethod
    def from_bytes(cls, data: bytes) -> Reference:
        """Raises ReferenceDataError when the bytes are not a reference."""
        try:
            body = orjson.loads(data)
            if body["format"] != FORMAT:
                raise ReferenceDataError(f"the reference has format {body['format']!r}; this version reads {FORMAT}")
            columns = [_column_from_json(item) for item in body["columns"]]
            return cls(
                columns={column.name: column for column in columns},
                rows=_whole(body["rows"]),
                source=str(body["source"]),
                created_at=float(body["created_at"]),
                performance={str(k): float(v) for k, v in body["performance"].items()},
                hash=str(body["hash"]),
                version=_whole(body.get("version", 1)),
                seasons=Seasons.unpack(body["seasons"]) if "seasons" in body else None,
                derivation=Derivation.from_json(body["derivation"]) if "derivation" in body else Derivation(),
            )
        except ReferenceDataError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, zlib.error) as error:
            raise ReferenceDataError(f"the stored reference can't be read: {error}") from error


_MOST = 2**63 - 1
_SCALARS = (
    "name", "n", "missing", "invalid", "non_finite", "mean", "std", "minimum", "maximum", "median", "mad", "q1", "q3",
    "distinct", "singletons",
)  # fmt: skip


def _column_to_json(column: ColumnReference) -> dict[str, Any]:
    body: dict[str, Any] = {name: getattr(column, name) for name in _SCALARS}
    body["kind"] = column.kind.value
    body["edges"] = np.ascontiguousarray(column.edges)
    body["counts"] = np.ascontiguousarray(column.counts)
    body["held"] = np.ascontiguousarray(column.held)
    body["labels"] = list(column.labels)
    body["runs"] = [list(one) for one in column.runs]
    body["categories"] = [list(column.categories.keys()), list(column.categories.values())]
    return body


def _column_from_json(body: Mapping[str, Any]) -> ColumnReference:
    names, counts = body["categories"]
    return ColumnReference(
        **{name: body[name] for name in _SCALARS},
        kind=Kind(body["kind"]),
        edges=np.array(body["edges"], dtype=np.float64),
        counts=np.array(body["counts"], dtype=np.int64),
        held=np.array(body["held"], dtype=np.int64),
        labels=tuple(body["labels"]),
        runs=tuple((_whole(rows), float(effect)) for rows, effect in body.get("runs", ())),
        categories=dict(zip(names, counts, strict=True)),
    )


def _whole(value: Any) -> int:
    """Raises ValueError for what could not be written again."""
    number = int(value)
    if not 0 <= number <= _MOST:
        raise ValueError(f"{value!r} is no count")
    return number


def _more_json(reference: Reference) -> dict[str, Any]:
    """What only some references have."""
    derivation = {"derivation": reference.derivation.to_json()} if reference.derivation else {}
    return derivation if reference.seasons is None else {**derivation, "seasons": reference.seasons.packed}


def _digest(reference: Reference) -> str:
    """Names the content: equal columns and performance give an equal hash, whenever it was built."""
    content = {
        "rows": reference.rows,
        "performance": dict(sorted(reference.performance.items())),
        "columns": [_column_to_json(reference.columns[name]) for name in sorted(reference.columns)],
        **_more_json(reference),
    }
    data = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(data, digest_size=8).hexdigest()
