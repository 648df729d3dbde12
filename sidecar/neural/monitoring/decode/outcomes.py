"""Which outputs are the prediction and the probabilities.

By configuration, else by the names model servers use, else by content: a list of at least two numbers in [0, 1] that sum to 1 in every row is one
probability for each class. What was decided for a layout stays decided.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.decode.categories import class_name
from neural.monitoring.decode.columns import as_vectors, build_column, types_of
from neural.monitoring.decode.parsed import ANONYMOUS, Values
from neural.monitoring.decode.settings import OutputSettings
from neural.monitoring.records import PREDICTION, Coding, Column, Kind

ANONYMOUS_ALIAS: Final = "output"  # what configuration calls an output without a name
PROBABILITY_NAMES: Final = frozenset({
    "probability", "probabilities", "proba", "probas", "prob", "probs", "predict_proba", "prediction_proba",
    "prediction_probability", "predicted_probability", "class_probabilities", "output_probability", "scores", "softmax",
})  # fmt: skip
CONFIDENCE_NAMES: Final = frozenset({"confidence", "score"})
"""A number beside a label under these names is the probability of that label, not of the positive class."""
PREDICTION_NAMES: Final = (
    "label", "prediction", "predicted_label", "predicted_class", "output_label", "class", "class_id", "predicted",
    "predict", "y_pred", "y_hat", "yhat", "predictions", "labels", "classes", "result", "value", "y", "target", ANONYMOUS_ALIAS,
)  # fmt: skip
_SCALARS: Final = frozenset({str, int, bool})
_SUM_TOLERANCE: Final = 1e-3  # float16 probabilities of a few classes sum to 1 within this

Probabilities = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class _Layout:
    """What was decided about outputs of these names: indexes of columns, and whether the prediction is a class."""

    prediction: int | None
    probability: int | None
    classes: bool | None = None
    spread: bool = False  # every column is one class's probability


class OutcomeReader:
    """Finds prediction and probabilities in the outputs of one model and version."""

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        self._layouts: dict[tuple[str, ...], _Layout] = {}

    def snapshot(self) -> list[list[Any]]:
        """What was decided, JSON-able."""
        return [[list(names), *dataclasses.astuple(layout)] for names, layout in self._layouts.items()]

    def restore(self, state: Sequence[Sequence[Any]]) -> None:
        self._layouts = {tuple(names): _Layout(*layout) for names, *layout in state}

    def read(self, names: tuple[str, ...], columns: Sequence[Values]) -> tuple[Column | None, Probabilities]:
        """(prediction column or None, class → probabilities). Values are one for each row, scalars, lists or objects."""
        layout = self._layouts.get(names)
        if layout is None:
            layout = self._decide(names, columns)
            if len(self._layouts) < 256:
                self._layouts[names] = layout
        labels = None if layout.prediction is None else _unwrap(columns[layout.prediction])
        probabilities = self._probabilities(names, columns, layout, labels)
        prediction = self._prediction(labels, probabilities, layout)
        return prediction, probabilities

    def _decide(self, names: tuple[str, ...], columns: Sequence[Values]) -> _Layout:
        known = [name.lower() if name != ANONYMOUS else ANONYMOUS_ALIAS for name in names]
        probability = self._probability_place(names, known)
        prediction = self._prediction_place(names, known, probability)
        if probability is None and prediction is None and len(names) > 1 and _sums_to_one(columns):
            return _Layout(None, None, classes=True, spread=True)
        if prediction is None and probability is None and len(names) == 1:
            prediction = 0
        if probability is None and prediction is not None and self._is_probability(columns[prediction]):
            prediction, probability = None, prediction
        return _Layout(prediction, probability, self._are_classes(columns, prediction, probability))

    def _probability_place(self, names: tuple[str, ...], known: list[str]) -> int | None:
        if self._settings.probability is not None:
            return _place(self._settings.probability, names, known)
        place = next((place for place, name in enumerate(known) if name in PROBABILITY_NAMES), None)
        if place is None:
            place = next((place for place, name in enumerate(known) if name in CONFIDENCE_NAMES), None)
        return place

    def _prediction_place(self, names: tuple[str, ...], known: list[str], probability: int | None) -> int | None:
        if self._settings.prediction is not None:
            return _place(self._settings.prediction, names, known)
        found = [known.index(name) for name in PREDICTION_NAMES if name in known and known.index(name) != probability]
        return found[0] if found else None

    def _is_probability(self, values: Values) -> bool:
        """True for outputs that are probabilities though their name does not say so."""
        if self._settings.task == "regression":
            return False
        plain = _unwrap(values)
        types = types_of(plain) if not _is_wide(plain) else {list}
        if dict in types:
            return types <= {dict, type(None)} and _is_class_map(plain)
        if types & {list, tuple}:
            vectors, width = as_vectors(plain)
            return vectors is not None and width > 1 and _sums_to_one(list(vectors.T))
        if self._settings.task != "classification" or not types <= {float, type(None)}:
            return False
        numbers = build_column("", plain, Kind.NUMERIC).values
        return bool(np.all(np.isnan(numbers) | ((numbers >= 0) & (numbers <= 1)))) and not bool(
            np.all(numbers == np.round(numbers))
        )

    def _are_classes(self, columns: Sequence[Values], prediction: int | None, probability: int | None) -> bool:
        if self._settings.task != "auto":
            return self._settings.task == "classification"
        if probability is not None or prediction is None:
            return True
        return bool({str, bool, int} & (types := _scalar_types(columns[prediction]))) and float not in types

    def _probabilities(
        self, names: tuple[str, ...], columns: Sequence[Values], layout: _Layout, labels: Values | None
    ) -> Probabilities:
        if layout.spread:
            return {name: _floats(column) for name, column in zip(names, columns, strict=True)}
        if layout.probability is None:
            return {}
        values = _unwrap(columns[layout.probability])
        types = types_of(values) if not _is_wide(values) else {list}
        if dict in types:
            return _from_maps(values)
        if types & {list, tuple}:
            return self._from_lists(values, labels)
        known = names[layout.probability].lower()
        if known in CONFIDENCE_NAMES and labels is not None:
            return _from_confidence(values, labels)
        numbers = _floats(values)
        negative, positive = self._settings.classes if len(self._settings.classes) == 2 else ("0", "1")
        return {negative: 1.0 - numbers, positive: numbers}

    def _from_lists(self, values: Values, labels: Values | None) -> Probabilities:
        vectors, width = as_vectors(values)
        if vectors is None:
            padded = build_column("", values, Kind.EMBEDDING)
            vectors = padded.values.astype(np.float64)
        classes = self._settings.classes
        if len(classes) != width:
            classes = [str(place) for place in range(width)]
        if labels is not None and not _is_wide(labels):
            first = next((label for label in labels if label is not None), None)
            if isinstance(first, list) and len(first) == width and all(label == first for label in labels):
                classes = [class_name(label) or "" for label in first if not isinstance(label, list | dict)]
        return {name: vectors[:, place] for place, name in enumerate(classes[:width])}

    def _prediction(self, labels: Values | None, probabilities: Probabilities, layout: _Layout) -> Column | None:
        if labels is None or (not _is_wide(labels) and list in types_of(labels)) or _is_wide(labels):
            return self._likeliest(probabilities) if probabilities else None
        if layout.classes:
            return _class_column(_plain(labels))
        return build_column(PREDICTION, labels, Kind.NUMERIC)

    def _likeliest(self, probabilities: Probabilities) -> Column:
        classes = list(probabilities)
        if len(classes) == 2:
            negative, positive = probabilities.values()
            missing = np.asarray(np.isnan(negative) & np.isnan(positive))
            best = (positive >= self._settings.threshold).astype(np.intp)
        else:
            table = np.column_stack(list(probabilities.values()))
            missing = np.asarray(np.isnan(table).all(axis=1))
            best = np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
        coding = Coding((*classes, None), np.where(missing, len(classes), best))
        return Column(PREDICTION, Kind.CATEGORICAL, coding.values(), missing, coding=coding)


def _place(wanted: str, names: tuple[str, ...], known: list[str]) -> int | None:
    if wanted in names:
        return names.index(wanted)
    return known.index(wanted.lower()) if wanted.lower() in known else None


def _plain(values: Values) -> Sequence[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values


def _is_wide(values: Values) -> bool:
    return isinstance(values, np.ndarray) and values.ndim > 1


def _unwrap(values: Values) -> Values:
    """Lists of one value each, as those values."""
    if isinstance(values, np.ndarray):
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if set(map(type, values)) <= {list, tuple} and all(len(value) == 1 for value in values):
        return [value[0] for value in values]
    return values


def _scalar_types(values: Values) -> set[type]:
    if isinstance(values, np.ndarray) and values.dtype != object:
        whole: dict[str, set[type]] = {"b": {bool}, "i": {int}, "u": {int}}
        return whole.get(values.dtype.kind, {float})
    return types_of(_unwrap(values)) - {type(None)}


def _floats(values: Values) -> NDArray[np.float64]:
    return np.asarray(build_column("", values, Kind.NUMERIC).values, dtype=np.float64)


def _sums_to_one(columns: Sequence[Values]) -> bool:
    """True when every complete row is a distribution, and there is at least one."""
    if any(_is_wide(column) or not _scalar_types(column) <= {float, int} for column in columns):
        return False
    table = np.column_stack([_floats(column) for column in columns])
    table = table[~np.isnan(table).any(axis=1)]
    if not len(table):
        return False
    inside = (table >= 0).all() and (table <= 1 + _SUM_TOLERANCE).all()
    return bool(inside and np.allclose(table.sum(axis=1), 1.0, atol=_SUM_TOLERANCE, rtol=0))


def _is_class_map(values: Values) -> bool:
    maps = [value for value in values if type(value) is dict]
    numeric = all(isinstance(number, float | int) for one in maps for number in one.values())
    return numeric and all(abs(sum(one.values()) - 1.0) <= _SUM_TOLERANCE for one in maps)


def _from_maps(values: Values) -> Probabilities:
    maps: list[Mapping[str, Any]] = [value if type(value) is dict else {} for value in values]
    classes = dict.fromkeys(name for one in maps for name in one)
    return {str(name): _floats([one.get(name) for one in maps]) for name in classes}


def _from_confidence(values: Values, labels: Values) -> Probabilities:
    numbers = _floats(values)
    names = _class_names(_plain(labels))
    classes = dict.fromkeys(name for name in names if isinstance(name, str))
    if set(classes) <= {"0", "1"}:
        positive = np.where([name == "1" for name in names], numbers, 1.0 - numbers)
        return {"0": 1.0 - positive, "1": positive}
    return {name: np.where([one == name for one in names], numbers, np.nan) for name in classes}


def _class_column(labels: Sequence[Any]) -> Column:
    """Predicted classes. Nearly always all of them are of one type: then each distinct one is named once."""
    if len(set(map(type, labels))) != 1 or type(labels[0]) not in _SCALARS:
        return build_column(PREDICTION, _class_names(labels), Kind.CATEGORICAL)
    raw = Coding.of(labels)
    coding = Coding(tuple(map(class_name, raw.names)), raw.codes)
    return Column(PREDICTION, Kind.CATEGORICAL, coding.values(), np.zeros(len(labels), dtype=np.bool_), coding=coding)


def _class_names(labels: Sequence[Any]) -> list[Any]:
    """Each label's class name; what is no scalar stays as it is."""
    if len(set(map(type, labels))) == 1 and type(labels[0]) in _SCALARS:
        names = {label: class_name(label) for label in set(labels)}
        return [names[label] for label in labels]
    return [_class_or_raw(label) for label in labels]


def _class_or_raw(label: Any) -> Any:
    return label if isinstance(label, list | dict | tuple) else class_name(label)
