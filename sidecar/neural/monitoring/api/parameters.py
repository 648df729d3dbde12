"""Query parameters: one description each, which checks the request and writes the OpenAPI document."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from starlette.datastructures import QueryParams

from neural.monitoring.api.problems import Problem

MAX_TEXT = 512
MAX_REPEATS = 50
_TIME_MOST = 4_102_444_800.0  # 2100-01-01: keeps arithmetic finite


@dataclass(frozen=True, slots=True)
class Parameter:
    """``kind``: string, integer or number. ``many``: may be repeated; the value is a list."""

    name: str
    description: str
    kind: str = "string"
    default: Any = None
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    example: Any = None

    def schema(self) -> dict[str, Any]:
        """The parameter's JSON Schema."""
        body: dict[str, Any] = {"type": self.kind}
        if self.choices:
            body["enum"] = list(self.choices)
        elif self.kind == "string":
            body |= {"maxLength": MAX_TEXT, "minLength": 1}
        body |= {key: value for key, value in (("minimum", self.least), ("maximum", self.most)) if value is not None}
        if self.many:
            body = {"type": "array", "items": body, "maxItems": MAX_REPEATS}
        return body | ({"default": self.default} if self.default is not None else {})

    def read(self, values: Sequence[str]) -> Any:
        """The value of what was given. Raises Problem 400."""
        if self.many:
            if len(values) > MAX_REPEATS:
                raise Problem(400, f"{self.name}: given more than {MAX_REPEATS} times", parameter=self.name)
            return [self._one(value) for value in values]
        if len(values) > 1:
            raise Problem(400, f"{self.name}: given more than once", parameter=self.name)
        return self._one(values[0])

    def _one(self, text: str) -> Any:
        if self.kind == "string":
            if self.choices and text not in self.choices:
                raise Problem(400, f"{self.name}: must be one of {', '.join(self.choices)}", parameter=self.name)
            if not 1 <= len(text) <= MAX_TEXT:
                raise Problem(400, f"{self.name}: must have 1 to {MAX_TEXT} characters", parameter=self.name)
            return text
        return self._number(text)

    def _number(self, text: str) -> float:
        what = "a whole number" if self.kind == "integer" else "a number"
        try:
            value = int(text) if self.kind == "integer" else float(text)
        except ValueError:
            raise Problem(400, f"{self.name}: must be {what}", parameter=self.name) from None
        low, high = -math.inf if self.least is None else self.least, math.inf if self.most is None else self.most
        if not math.isfinite(value) or not low <= value <= high:
            raise Problem(400, f"{self.name}: must be {what} between {low:g} and {high:g}", parameter=self.name)
        return value


def read_parameters(parameters: Sequence[Parameter], given: QueryParams) -> dict[str, Any]:
    """What was asked for, defaults filled in. A name nobody knows is refused, with the nearest one. Raises Problem 400."""
    known: Mapping[str, Parameter] = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise Problem(400, f"{name[:MAX_TEXT]!r} is not a parameter here{hint}", parameter=name[:MAX_TEXT])
    return {
        name: parameter.read(given.getlist(name)) if name in given else parameter.default for name, parameter in known.items()
    }


MODEL = Parameter("model", "Which model, where the sidecar serves several.", example="fraud")
VERSION = Parameter("version", "Which version of the model.", example="3")
SINCE = Parameter("since", "From this time on, in Unix seconds.", "number", least=0, most=_TIME_MOST, example=1_700_000_000)
UNTIL = Parameter("until", "Up to this time, in Unix seconds.", "number", least=0, most=_TIME_MOST, example=1_700_003_600)
AT = Parameter("at", "As it was at this time, in Unix seconds.", "number", least=0, most=_TIME_MOST)


def limit(default: int, most: int) -> Parameter:
    return Parameter("limit", "At most so many items.", "integer", default=default, least=1, most=most)
