"""What values a signal can have, and what a condition says at the corners of those values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from neural.monitoring.alerts.condition import CelCondition, ThresholdCondition
from neural.monitoring.alerts.expression import Reference, asked_variable, context_of
from neural.monitoring.alerts.rule import Condition

_SHARE = re.compile(
    r"(_rate|_ratio|_score|\.score|\.ks|\.alarm|\.accuracy|\.precision|\.recall|\.f1|\.roc_auc|\.coverage|\.compliance|\.target|burn_alert)$"
    r"|^(error_rate|client_error_rate|unparsed_rate)$"
)
_AT_MOST_ONE = re.compile(r"^(slo\.budget_remaining|performance\.r2)$")
_UNBOUNDED = frozenset({"slo.burn_rate"})
_NUMBER = re.compile(r"(?<![\w.\"'])\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w\"'])")
_HUGE = 1e12
_MOST_CORNERS = 4096
_MOST_REFERENCES = 4


def value_range(name: str) -> tuple[float, float]:
    """The least and the greatest value a signal can have."""
    if name in _UNBOUNDED:
        return 0.0, _HUGE
    if _AT_MOST_ONE.search(name):
        return -_HUGE, 1.0
    return (0.0, 1.0) if _SHARE.search(name) else (0.0, _HUGE)


def corner_answers(condition: Condition) -> set[bool] | None:
    """What the condition says at the ends of its signals' ranges and beside every number it names; None when that can't be told.

    A comparison of a signal with a number changes its answer only there, so {False} means it can't fire, {True} that it always does.
    """
    if isinstance(condition, ThresholdCondition):
        return {_crosses(condition, value) for value in _values(condition.reference.name, _limits(condition))}
    if not isinstance(condition, CelCondition):
        return None
    references = condition.references
    if not references or len(references) > _MOST_REFERENCES or not _is_plain(condition):
        return None
    numbers = [float(found) for found in _NUMBER.findall(condition.describe())]
    choices = [_values(reference.name, numbers) for reference in references]
    answers: set[bool] = set()
    for corner in itertools.islice(itertools.product(*choices), _MOST_CORNERS):
        answers.add(answer_at(condition, dict(zip(references, corner, strict=True))))
        if len(answers) == 2:
            break
    return answers


def answer_at(condition: CelCondition, values: Mapping[Reference, float]) -> bool:
    """What an expression says of these values. Raises what CEL raises; TypeError when the answer is neither true nor false."""
    variables: dict[str, object] = {reference.variable: value for reference, value in values.items()}
    variables |= {asked_variable(reference): True for reference in condition.expression.asked}
    result = condition.expression.run(context_of(variables))
    if not isinstance(result, bool):
        raise TypeError(f"it gives {result!r}, not true or false")
    return result


def _is_plain(condition: CelCondition) -> bool:
    """Numbers only: no maps, no functions."""
    return (
        re.search(r"\b\w+\s*\(", re.sub(r"\bhas\s*\(", "", condition.describe())) is None and " in " not in condition.describe()
    )


def _limits(condition: ThresholdCondition) -> list[float]:
    return [limit for limit in (condition.above, condition.below) if limit is not None]


def _crosses(condition: ThresholdCondition, value: float) -> bool:
    is_above = condition.above is not None and value > condition.above
    return is_above or (condition.below is not None and value < condition.below)


def _values(name: str, numbers: Sequence[float]) -> list[float]:
    low, high = value_range(name)
    found = {low, high, *(value for number in numbers for value in _beside(number) if low <= value <= high)}
    return sorted(found)


def _beside(number: float) -> Iterator[float]:
    step = abs(number) * 1e-9 or 1e-9
    yield from (number - step, number, number + step)
