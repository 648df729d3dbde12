"""What the schema says about a column, as a check of its values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.records import Column, Kind

MAX_MATCHED_CHARACTERS = 4_096  # longer text is not matched against a pattern: it counts as broken

Broken = Callable[[NDArray[Any]], NDArray[np.bool_]]

NUMBER_RULES: dict[str, Broken] = {
    "positive": lambda values: ~(values > 0),
    "probability": lambda values: ~((values >= 0) & (values <= 1)),
    "binary": lambda values: ~((values == 0) | (values == 1)),
    "integer": lambda values: ~(np.isfinite(values) & (values == np.floor(values))),
}
"""Constraint → which of the numbers (float64, none missing) break it. Zero is not positive, as in the seed."""


@dataclass(frozen=True, slots=True)
class ColumnRules:
    """The rules of one column; each has a name for the reports."""

    numbers: tuple[tuple[str, Broken], ...] = ()
    words: tuple[tuple[str, Callable[[str], bool]], ...] = ()  # name, True when the word breaks the rule
    required: bool = False

    def __bool__(self) -> bool:
        return bool(self.numbers or self.words)

    def broken(self, column: Column) -> tuple[int, NDArray[np.bool_]]:
        """How many values were checked, and which of all rows break a rule. Missing and invalid values are not checked."""
        result = np.zeros(len(column), dtype=np.bool_)
        usable = ~column.missing if column.invalid is None else ~(column.missing | column.invalid)
        if column.kind in (Kind.NUMERIC, Kind.BOOLEAN) and self.numbers:
            values = column.values[usable]
            bad = np.zeros(len(values), dtype=np.bool_)
            for _, rule in self.numbers:
                bad |= rule(values)
            result[usable] = bad
            return len(values), result
        if column.kind in (Kind.CATEGORICAL, Kind.TEXT) and self.words:
            known: dict[str, bool] = {}
            for row in np.flatnonzero(usable):
                word = str(column.values[row])
                if word not in known:
                    known[word] = any(rule(word) for _, rule in self.words)
                result[row] = known[word]
            return int(usable.sum()), result
        return 0, result


def rules_of(feature: FeatureSettings) -> ColumnRules:
    """Compile the settings of a feature."""
    numbers: list[tuple[str, Broken]] = []
    words: list[tuple[str, Callable[[str], bool]]] = []
    if feature.constraint is not None:
        numbers.append((feature.constraint, NUMBER_RULES[feature.constraint]))
    if feature.range is not None:
        numbers.append((f"range [{feature.range[0]:g}, {feature.range[1]:g}]", _outside(*feature.range)))
    if feature.allowed is not None:
        words.append(("allowed", _not_in(frozenset(feature.allowed))))
    if feature.pattern is not None:
        words.append((f"pattern {feature.pattern}", _mismatch(re.compile(feature.pattern))))
    return ColumnRules(tuple(numbers), tuple(words), feature.required)


def _outside(low: float, high: float) -> Broken:
    return lambda values: ~((values >= low) & (values <= high))


def _not_in(allowed: frozenset[str]) -> Callable[[str], bool]:
    return lambda word: word not in allowed


def _mismatch(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda word: len(word) > MAX_MATCHED_CHARACTERS or pattern.fullmatch(word) is None
