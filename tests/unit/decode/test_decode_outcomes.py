from __future__ import annotations

import math

import numpy as np
import pytest

from neural.monitoring.decode import OutputSettings
from neural.monitoring.decode.outcomes import OutcomeReader
from neural.monitoring.records import Kind


def read(columns, **settings):
    reader = OutcomeReader(OutputSettings(**settings))
    prediction, probabilities = reader.read(tuple(columns), list(columns.values()))
    values = None if prediction is None else prediction.values.tolist()
    return values, {name: np.round(p, 6).tolist() for name, p in probabilities.items()}


HALF = {"0": [0.75, 0.25], "1": [0.25, 0.75]}
CASES = {
    "label and probability": ({"label": [0, 1], "probability": [0.25, 0.75]}, ["0", "1"], HALF),
    "scikit-learn's names": ({"predict": [0, 1], "predict_proba": [[0.75, 0.25], [0.25, 0.75]]}, ["0", "1"], HALF),
    "probabilities as object": ({"prediction": ["a", "b"], "probabilities": [{"a": 0.9, "b": 0.1}, {"a": 0.2, "b": 0.8}]}, ["a", "b"], {"a": [0.9, 0.2], "b": [0.1, 0.8]}),
    "only a binary probability": ({"probability": [0.25, 0.75]}, ["0", "1"], HALF),
    "a list that sums to one": ({"": [[0.75, 0.25], [0.25, 0.75]]}, ["0", "1"], HALF),
    "a softmax of three": ({"": [[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]]}, ["1", "0"], {"0": [0.1, 0.6], "1": [0.7, 0.3], "2": [0.2, 0.1]}),
    "columns named by class": ({"cat": [0.9, 0.4], "dog": [0.1, 0.6]}, ["cat", "dog"], {"cat": [0.9, 0.4], "dog": [0.1, 0.6]}),
    "a wide tensor": ({"output-0": np.array([[0.75, 0.25], [0.25, 0.75]], dtype=np.float32)}, ["0", "1"], HALF),
    "whole numbers alone are classes": ({"": [1, 0]}, ["1", "0"], {}),
    "strings alone are classes": ({"": ["a", "b"]}, ["a", "b"], {}),
    "true and false are 1 and 0": ({"": [True, False]}, ["1", "0"], {}),
    "floats alone are numbers": ({"": [0.5, 2.25]}, [0.5, 2.25], {}),
    "each float in its list": ({"": [[0.5], [2.25]]}, [0.5, 2.25], {}),
    "a regression's value": ({"value": [1.5, 2.5], "unit": ["m", "m"]}, [1.5, 2.5], {}),
    "label and score": ({"label": ["POS", "NEG"], "score": [0.9, 0.8]}, ["POS", "NEG"], None),
    "binary label and confidence": ({"label": [1, 0], "confidence": [0.75, 0.75]}, ["1", "0"], {"0": [0.25, 0.75], "1": [0.75, 0.25]}),
    "TF classify": ({"classes": [["a", "b"], ["a", "b"]], "scores": [[0.9, 0.1], [0.2, 0.8]]}, ["a", "b"], {"a": [0.9, 0.2], "b": [0.1, 0.8]}),
    "float classes beside probabilities": ({"label": [1.0, 0.0], "probability": [0.75, 0.25]}, ["1", "0"], {"0": [0.25, 0.75], "1": [0.75, 0.25]}),
    "names that say nothing": ({"a": [3.0, 4.0], "b": [5.0, 6.0]}, None, {}),
    "two numbers each": ({"": [[3.0, 5.0], [1.0, 2.0]]}, None, {}),
    "a missing prediction": ({"label": [1, None], "probability": [0.75, None]}, ["1", None], None),
}  # fmt: skip


@pytest.mark.parametrize(("columns", "prediction", "probabilities"), CASES.values(), ids=CASES.keys())
def test_outputs_are_recognised(columns, prediction, probabilities):
    found, found_probabilities = read(columns)
    assert found == prediction
    if probabilities is not None:
        assert found_probabilities == probabilities


def test_a_score_beside_a_label_belongs_to_that_label():
    _, probabilities = read({"label": ["POS", "NEG"], "score": [0.9, 0.8]})
    assert probabilities["POS"][0] == 0.9
    assert math.isnan(probabilities["POS"][1])
    assert probabilities["NEG"][1] == 0.8


def test_configuration_comes_before_names():
    columns = {"a": [0.9, 0.1], "b": ["yes", "no"]}
    assert read(columns, prediction="b", probability="a", classes=["no", "yes"]) == (
        ["yes", "no"],
        {"no": [0.1, 0.9], "yes": [0.9, 0.1]},
    )


def test_a_threshold_decides_a_binary_probability():
    assert read({"probability": [0.25, 0.35]}, threshold=0.3)[0] == ["0", "1"]


def test_a_sigmoid_without_name_is_a_probability_when_the_task_says_so():
    assert read({"": [[0.25], [0.75]]}, task="classification") == (["0", "1"], HALF)
    assert read({"": [[0.25], [0.75]]}) == ([0.25, 0.75], {})


def test_the_task_overrules_whole_numbers():
    assert read({"": [3, 4]}, task="regression") == ([3.0, 4.0], {})


def test_class_names_are_taken_in_order():
    assert list(read({"": [[0.1, 0.9]]}, classes=["ham", "spam"])[1]) == ["ham", "spam"]


def test_what_was_decided_for_a_layout_stays_decided():
    reader = OutcomeReader(OutputSettings())
    first, _ = reader.read(("",), [[1.5, 2.5]])
    second, _ = reader.read(("",), [[3, 4]])
    assert first.kind is second.kind is Kind.NUMERIC
    other = OutcomeReader(OutputSettings())
    other.read(("",), [[[0.25, 0.75]]])
    _, probabilities = other.read(("",), [[[0.3, 0.6]]])
    assert list(probabilities) == ["0", "1"]


@pytest.mark.parametrize(
    "columns",
    [
        {"": [None]}, {"": [{}]}, {"": [[]]}, {"": [[None, None]]}, {"label": [[1, 2]]}, {"probability": ["x"]}, {"label": [{}], "probability": [[]]},
        {"probability": [{"a": "x"}]}, {"": [[0.5, "a"]]}, {"probability": [None, [0.5, 0.5]]}, {"score": [{}], "label": [None]}, {"probabilities": [[0.1], [0.2, 0.3]]},
    ],
)  # fmt: skip
def test_strange_outputs_never_crash(columns):
    read(columns)
