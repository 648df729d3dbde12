"""A request table's values to feature columns: wide values are spread, kinds are decided once, redaction is applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.decode.columns import as_vectors, build_column, infer_kind, turned, types_of
from neural.monitoring.decode.parsed import ANONYMOUS, Reason, Undecodable, Values
from neural.monitoring.decode.redaction import redact
from neural.monitoring.decode.settings import DecodeSettings, FeatureSpec
from neural.monitoring.decode.stacking import MAX_FLATTENING
from neural.monitoring.records import Column, Kind

_CONTAINERS: Final = frozenset({list, tuple, dict, np.ndarray})


class FeatureBuilder:
    """Builds the feature columns of one model and version.

    The kind of a column follows the schema where that says it, else the first values seen: once numeric, a column stays numeric
    for this builder's lifetime, so that a client that starts to send strings shows as invalid values and not as another column.
    """

    def __init__(self, settings: DecodeSettings, schema: Mapping[str, FeatureSpec]) -> None:
        self._settings = settings
        self._schema = schema
        self._kinds: dict[str, Kind] = {name: spec.kind for name, spec in schema.items() if spec.kind is not None}
        self._redacted = {name for name, spec in schema.items() if spec.redact is not None}

    def kinds(self) -> dict[str, str]:
        """What was decided, JSON-able."""
        return {name: kind.value for name, kind in self._kinds.items()}

    def restore(self, kinds: Mapping[str, str]) -> None:
        """Takes over decisions of an earlier life; the schema's word stands above them."""
        self._kinds = {name: Kind(kind) for name, kind in kinds.items()} | {
            name: spec.kind for name, spec in self._schema.items() if spec.kind is not None
        }

    def build(
        self,
        names: Sequence[str],
        columns: Sequence[Values],
        hints: Sequence[Kind | None] = (),
        types: Sequence[set[type]] = (),
    ) -> dict[str, Column]:
        """Column name → column. ``hints`` are the kinds the protocol states, for columns that are all missing.

        ``types``: the Python types in each column, where they are known.
        """
        alone = len(names) == 1
        built: dict[str, Column] = {}
        for place, (name, values) in enumerate(zip(names, columns, strict=True)):
            hint = hints[place] if hints else None
            seen = types[place] if types else None
            for spread_name, spread_values, spread_types in self._spread(name, values, seen, alone=alone, depth=0):
                self._add(built, spread_name, spread_values, spread_types, hint)
                if len(built) > self._settings.max_columns:
                    raise Undecodable(Reason.TOO_WIDE, f"more than {self._settings.max_columns} columns")
        return built

    def _add(self, built: dict[str, Column], name: str, values: Values, types: set[type], hint: Kind | None) -> None:
        kind = self._kinds.get(name)
        if kind is None:
            kind = self._decide(name, values, types, hint)
        column = build_column(name, values, kind, types)
        if name in self._redacted:
            hidden = redact(column, self._schema[name], self._settings.hash_key)
            if hidden is None:
                return
            column = hidden
        built[name] = column

    def _decide(self, name: str, values: Values, types: set[type], hint: Kind | None) -> Kind:
        wide = isinstance(values, np.ndarray) and values.ndim > 1
        kind = Kind.EMBEDDING if wide or _mostly_vectors(values, types) else infer_kind(values, types - _CONTAINERS) or hint
        if kind is None:
            return Kind.NUMERIC  # all missing, or nothing that could be a value: decided when one comes
        if len(self._kinds) < self._settings.max_columns:
            self._kinds[name] = kind
        return kind

    def _spread(
        self, name: str, values: Values, types: set[type] | None, *, alone: bool, depth: int
    ) -> Iterable[tuple[str, Values, set[type]]]:
        """The column itself, or one column for each number or member its values hold."""
        wide = isinstance(values, np.ndarray) and values.ndim > 1
        if types is None:
            types = types_of(values) if not wide else set[type]()
        if not wide and (not types & _CONTAINERS or self._is_scalar(name, values, types)):
            yield (name if name != ANONYMOUS else self._anonymous(0, 1)), values, types
        elif dict in types:
            yield from self._spread_objects(name, values, depth)
        else:
            yield from self._spread_vectors(name, values, types, alone=alone)

    def _is_scalar(self, name: str, values: Values, types: set[type]) -> bool:
        """Whether lists and objects among the values are mistakes. One request must not change what the others' values mean."""
        kind = self._kinds.get(name)
        if kind is not None:
            return kind is not Kind.EMBEDDING
        if not types - _CONTAINERS - {NoneType}:
            return False
        inside = sum(type(value) in _CONTAINERS for value in values)
        return inside * 2 <= sum(value is not None for value in values)

    def _spread_vectors(
        self, name: str, values: Values, types: set[type], *, alone: bool
    ) -> Iterable[tuple[str, Values, set[type]]]:
        vectors, width = _as_given(values)
        embedding = self._kinds.get(name) is Kind.EMBEDDING or width > self._settings.vector_columns
        if embedding or (vectors is None and not _rectangular(values, width)):
            yield (name if name != ANONYMOUS else "features"), values, types or {np.ndarray}
            return
        columns = None if vectors is None else turned(vectors)
        for place in range(width):
            label = self._anonymous(place, width) if alone or name == ANONYMOUS else f"{name}_{place}"
            column: Values = columns[place] if columns is not None else [None if row is None else row[place] for row in values]
            yield label, column, types_of(column)

    def _spread_objects(self, name: str, values: Values, depth: int) -> Iterable[tuple[str, Values, set[type]]]:
        if depth == MAX_FLATTENING:
            raise Undecodable(Reason.TOO_DEEP, f"objects nested more than {MAX_FLATTENING} deep in {name[:60]!r}")
        members = dict.fromkeys(key for value in values if type(value) is dict for key in value)
        if len(members) > self._settings.max_columns:
            raise Undecodable(Reason.TOO_WIDE, f"{len(members)} members in {name[:60]!r}")
        for member in members:
            inner = [value.get(member) if type(value) is dict else None for value in values]
            label = f"{name}.{member}" if name != ANONYMOUS else str(member)
            yield from self._spread(label, inner, None, alone=False, depth=depth + 1)

    def _anonymous(self, place: int, width: int) -> str:
        """The configured name of an unnamed feature, else the schema's in order, else feature_<place>."""
        names = self._settings.feature_names
        if len(names) == width:
            return names[place]
        if len(self._schema) == width:
            return list(self._schema)[place]
        return f"feature_{place}"


def _as_given(values: Values) -> tuple[NDArray[Any] | None, int]:
    """``as_vectors``, but arrays keep the type of their numbers."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.reshape(len(values), -1), int(np.prod(values.shape[1:], dtype=np.int64))
    return as_vectors(values)


def _mostly_vectors(values: Values, types: set[type]) -> bool:
    """More lists with something in them than anything else."""
    if not types & {list, tuple}:
        return False
    vectors = sum(isinstance(value, list | tuple) and len(value) > 0 for value in values)
    return vectors * 2 > sum(value is not None for value in values)


def _rectangular(values: Values, width: int) -> bool:
    return width > 0 and all(value is None or (isinstance(value, list | tuple) and len(value) == width) for value in values)
