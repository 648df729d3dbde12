"""CEL expressions over signals, and message templates: what can be said, and what can't be abused."""

from __future__ import annotations

import pytest

from neural.monitoring.alerts.expression import Reference, compile_expression
from neural.monitoring.alerts.index import LabelOrder, SignalIndex
from neural.monitoring.alerts.template import field_names, problem, render
from neural.monitoring.errors import ConfigError
from neural.monitoring.signal import Signal, SignalSpec

SCOPE = ("m", "1")


def signal(name, value, **labels):
    return Signal(name, value, 0.0, {"model": "m", "version": "1", **labels})


SIGNALS = [
    signal("error_rate", 0.1),
    signal("drift.score", 0.3),
    signal("drift.feature_score", 0.5, feature="age"),
    signal("drift.feature_score", 0.1, feature="zip code"),
    signal("slo.burn_rate", 20.0, window="1h", slo="fast"),
    signal("latency.p95", 0.25),
    signal("performance.accuracy", None),
]


def run(source, signals=SIGNALS):
    expression = compile_expression(source)
    view = SignalIndex(signals, LabelOrder()).view(SCOPE)
    context, _ = view.context(expression.references, expression.asked)
    return expression.run(context)


@pytest.mark.parametrize(
    "source",
    [
        "error_rate > 0.05",
        "error_rate * 100 > 5",
        "error_rate > 0 && drift.score > 0.2",
        "drift_score > 0.2",
        "latency_p95 >= 0.25",
        'drift.feature_score["age"] > 0.4',
        "drift.feature_score['zip code'] < 0.2",
        "drift.feature_score.age > 0.4",
        'slo.burn_rate["fast"]["1h"] > 14.4',
        "drift.feature_score.exists(k, drift.feature_score[k] > 0.4)",
        "size(drift.feature_score) == 2",
        "'age' in drift.feature_score",
        "has(drift.score) && !has(drift.nope)",
        'has(drift.feature_score.age) && !has(drift.feature_score["nope"])',
        "accuracy < 0.8 || error_rate > 0.05",
        "(error_rate > 0.5 ? 1 : 2) == 2 // a remark",
        "drift.feature_score.filter(k, drift.feature_score[k] > 0.05).size() == 2",
    ],
)
def test_these_are_true(source):
    assert run(source) is True


@pytest.mark.parametrize(
    "source", ["accuracy < 0.8", "nope > 1", 'drift.feature_score["nope"] > 0', "accuracy < 0.8 && error_rate > 0.05"]
)
def test_what_has_no_data_is_no_answer(source):
    with pytest.raises((RuntimeError, KeyError)):
        run(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("error_rate >", "not a CEL expression"),
        ("error_rate > 5m", "Syntax error"),
        ("x" * 3000, "longer than"),
        ("", "not a CEL expression"),
    ],
)
def test_mistakes_are_named(source, words):
    with pytest.raises(ConfigError, match=words):
        compile_expression(source)


def test_references_are_found_with_their_labels():
    source = 'drift.feature_score["age"] > 0.3 && slo.burn_rate["fast"]["1h"] > error_rate && "drift.psi" != "x"'
    assert compile_expression(source).references == (
        Reference("drift.feature_score", ("age",)),
        Reference("slo.burn_rate", ("fast", "1h")),
        Reference("error_rate"),
    )


def test_variables_of_macros_are_not_signals():
    assert compile_expression("drift.psi.exists(k, drift.psi[k] > 1.0)").references == (Reference("drift.psi"),)


def test_a_specification_decides_the_order_of_labels():
    order = LabelOrder([SignalSpec("x.y", "", labels=("b", "a"))])
    assert order.path(signal("x.y", 1.0, a="1", b="2")) == ("2", "1")


def test_a_template_fills_in_numbers_in_the_seeds_form():
    values = {"error_rate": 0.0812, "drift.score": 0.31, "drift.feature_score[age]": 0.5, "title": "T"}
    assert (
        render("{title}: {error_rate:.2%} {drift.score:.1f} {drift.feature_score[age]} {{x}}", values) == "T: 8.12% 0.3 0.5 {x}"
    )


@pytest.mark.parametrize(
    "template",
    ["{x.__class__}", "{x[0]}", "{x.__class__.__mro__}", "{0}", "{}", "{nope:.2f}", "{none}", "{nan:.1f}"],
)
def test_a_template_reaches_nothing_but_whole_names(template):
    assert render(template, {"x": "text", "none": None, "nan": float("nan")}) == "no data"


def test_a_template_can_not_blow_up():
    assert len(render("{x:999999999}", {"x": 1.0})) < 100
    assert len(render("{x:999}" * 100, {"x": 1.0})) <= 4000
    assert render("{x:.2%}", {"x": "text"}) == "text"


def test_mistakes_in_templates_are_named():
    assert "not closed" in problem("{error_rate")
    assert "not a format" in problem("{error_rate:.2q}")
    assert problem("{error_rate:.2%} {{}}") == ""
    assert field_names("{a} {b.c:.1f} {{d}}") == ["a", "b.c"]
