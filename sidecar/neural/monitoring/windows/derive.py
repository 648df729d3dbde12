"""Columns that are worked out of others before they are counted: texts, embeddings and whole rows become numbers with panes of their own.

A derivation is fitted on the reference, is part of it, and gives every row the same numbers in any batch. What it learns (a vocabulary,
the directions of a PCA) comes from every second row of the reference, and what is to be expected from the others: else the reference would
look better than new rows ever can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind
from neural.monitoring.windows.concat import take_rows
from neural.monitoring.windows.encode import Encoder
from neural.monitoring.windows.text import text_columns, vocabulary
from neural.monitoring.windows.vectors import COSINES, Cosines, Reconstruction, cosine_columns, cosines, numeric, sketch

SKETCH = "@sketch:"
"""Prefix of a column that holds an embedding's projections instead of the embedding: all that is kept of it while a reference is learnt."""
ROWS = "@rows"
FEWEST_ROWS = 20  # of the reference, for whole rows and vectors to be watched
MAX_DIMENSIONS = 200  # of whole rows; beyond, rows are not reconstructed


def vector_prefix(name: str) -> str:
    return f"@vector:{name}"


@dataclass(frozen=True)
class Derivation:
    """``texts``: column → known tokens; ``vectors``: embedding → its cosines; ``encoder``, ``rows``, ``pca``: of whole rows."""

    texts: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    vectors: Mapping[str, Cosines] = field(default_factory=dict[str, Cosines])
    encoder: Encoder | None = None
    rows: Cosines | None = None
    pca: Reconstruction | None = None

    def __bool__(self) -> bool:
        return bool(self.texts or self.vectors or self.encoder)

    @classmethod
    def fit(cls, columns: Mapping[str, Column], *, whole_rows: bool = False) -> Self:
        """From columns of equal length."""
        half = take_rows(columns, slice(0, None, 2))
        texts = {name: vocabulary(_words(column)) for name, column in half.items() if column.kind is Kind.TEXT}
        vectors: dict[str, Cosines] = {}
        for name, projections in sketches(half).items():
            usable = projections[np.isfinite(projections).all(axis=1)]
            if len(usable) >= FEWEST_ROWS:
                vectors[name] = Cosines.fit(usable)
        return cls(texts, vectors, **(_fit_rows(half) if whole_rows else {}))

    def derive(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """The derived columns alone. Source columns that are absent give none."""
        found: dict[str, Column] = {}
        for name, known in self.texts.items():
            column = columns.get(name)
            if column is not None and column.values.dtype == object:
                found.update(text_columns(column, known))
        for name, projections in sketches(columns).items():
            if name in self.vectors:
                found.update(cosine_columns(vector_prefix(name), cosines(projections, self.vectors[name].width)))
        if self.encoder is not None and self.rows is not None:
            rows = self.encoder.rows({name: column for name, column in columns.items() if not name.startswith("@")})
            found.update(cosine_columns(ROWS, cosines(sketch(rows), self.rows.width)))
            if self.pca is not None:
                found[f"{ROWS}:pca"] = numeric(f"{ROWS}:pca", self.pca.error(rows))
        return found

    def embeddings(self) -> dict[str, Cosines]:
        """Prefix of the cosine columns → what is known of them."""
        found = {vector_prefix(name): one for name, one in self.vectors.items()}
        return {**found, ROWS: self.rows} if self.rows is not None else found

    def to_json(self) -> dict[str, Any]:
        return {
            "texts": {name: sorted(known) for name, known in self.texts.items()},
            "vectors": {name: one.to_json() for name, one in self.vectors.items()},
            "encoder": None if self.encoder is None else self.encoder.to_json(),
            "rows": None if self.rows is None else self.rows.to_json(),
            "pca": None if self.pca is None else self.pca.to_json(),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            {str(name): frozenset(known) for name, known in body["texts"].items()},
            {str(name): Cosines.from_json(one) for name, one in body["vectors"].items()},
            None if body["encoder"] is None else Encoder.from_json(body["encoder"]),
            None if body["rows"] is None else Cosines.from_json(body["rows"]),
            None if body["pca"] is None else Reconstruction.from_json(body["pca"]),
        )


def _fit_rows(half: Mapping[str, Column]) -> dict[str, Any]:
    encoder = Encoder.fit({name: column for name, column in half.items() if not name.startswith("@")})
    rows = encoder.rows(half)
    if len(rows) < FEWEST_ROWS or rows.shape[1] == 0:
        return {}
    pca = Reconstruction.fit(rows) if rows.shape[1] <= MAX_DIMENSIONS else None
    return {"encoder": encoder, "rows": Cosines.fit(sketch(rows)), "pca": pca}


def _words(column: Column) -> list[str]:
    return [
        str(value) for value, gone in zip(column.values.tolist(), column.missing, strict=True) if not gone and value is not None
    ]


def sketches(columns: Mapping[str, Column]) -> dict[str, NDArray[np.float64]]:
    """Embedding → projections of its rows, (rows, 16); NaN where the embedding is missing."""
    found: dict[str, NDArray[np.float64]] = {}
    for name, column in columns.items():
        if column.kind is not Kind.EMBEDDING or column.values.ndim != 2:
            continue
        known = name.startswith(SKETCH) and column.values.shape[1] == COSINES
        values = np.asarray(column.values, dtype=np.float64) if known else sketch(column.values)
        values = np.where(column.missing[:, None], np.nan, values)
        found[name.removeprefix(SKETCH)] = values
    return found
