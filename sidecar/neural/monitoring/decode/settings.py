"""How bodies are read, and what is known about the features."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from neural.monitoring.decode.jsonpath import parse_path
from neural.monitoring.records import Kind
from neural.monitoring.section import Duration, Section, Size


def _checked_path(text: str) -> str:
    parse_path(text)
    return text


JSONPath = Annotated[str, AfterValidator(_checked_path)]
"""A path into a JSON document: ``$.customer.age``, ``$.items[*].price``, ``$['odd name']``, ``$[0]``."""


class MappingSettings(Section):
    """Where features and predictions are in plain JSON bodies."""

    path: str = ""
    """Requests whose path starts with this are read with the mapping; empty: every request no protocol claims by its path."""
    rows: JSONPath = "$"
    """Where the rows are in the request: an object is one row, a list of objects is many."""
    features: dict[str, JSONPath] = Field(default_factory=dict)
    """Feature name → path within a row. Empty: every scalar of the row, nested names joined by dots."""
    id: JSONPath | None = None
    """Where the request's id is."""
    output_rows: JSONPath = "$"
    """Where the predictions are in the response: one item for each row."""
    prediction: JSONPath | None = None
    """Path of the prediction within an output row. Empty: found by its name."""
    probability: JSONPath | None = None
    """Path of the probability (of the positive class), a list of them, or an object class → probability, within an output row."""


class OutputSettings(Section):
    """Which outputs are the prediction and the probabilities. Only needed where names don't say it."""

    prediction: str | None = None
    """Name of the output that is the prediction."""
    probability: str | None = None
    """Name of the output that is the probability of the positive class, or one probability for each class."""
    classes: list[str] = Field(default_factory=list)
    """Class names, in the order of the probabilities. With two classes a single probability belongs to the last."""
    threshold: float = Field(default=0.5, ge=0, le=1)
    """A binary model that answers only a probability predicts the positive class from here on."""
    task: Literal["auto", "classification", "regression"] = "auto"
    """What the prediction is. auto: strings, booleans, whole numbers and anything with probabilities are classes."""


class DecodeSettings(Section):
    """How captured bodies are turned into rows."""

    protocol: str = "auto"
    """auto, or the name of one decoder: it then reads every request."""
    model: str = "default"
    """Model name of requests that carry none."""
    version: str = "1.0"
    """Model version of requests that carry none."""
    mapping: MappingSettings | None = None
    """For plain JSON bodies."""
    outputs: OutputSettings = OutputSettings()
    feature_names: list[str] = Field(default_factory=list)
    """Names of the features, in order, for protocols that carry none. Empty: the order of ``features``, else feature_0, feature_1 …"""
    vector_columns: int = Field(default=128, ge=0)
    """A list of up to so many numbers becomes one column each; a longer one is an embedding."""
    nan_literals: Literal["refuse", "accept"] = "refuse"
    """NaN and Infinity are not JSON. accept: read them as missing and infinite, at the price of a slower parser."""
    duplicate_keys: Literal["refuse", "accept"] = "refuse"
    """An object that says one key twice is ambiguous. accept: the last wins."""
    max_body: Size = 16 * 2**20
    """Largest body that is decoded, after decompression."""
    max_rows: int = Field(default=100_000, ge=1)
    """Most rows of one request."""
    max_columns: int = Field(default=20_000, ge=1)
    """Most columns of one request."""
    max_depth: int = Field(default=32, ge=2, le=512)
    """Deepest nesting of a JSON body."""
    descriptor_set: str = ""
    """File with a protobuf FileDescriptorSet, for gRPC services of your own."""
    messages: dict[str, list[str]] = Field(default_factory=dict)
    """gRPC method → [request message, response message], for methods the descriptor set's services don't list."""
    hash_key: SecretStr = SecretStr("")
    """Key of ``redact: hash``. The same key gives the same hashes, so references and traffic must share it."""


_ENDLESS = r"(?:(?<![+*?}\\])[+*]|\{\d+,\})(?!\+)"
_REPEAT_IN_REPEAT = re.compile(rf"\((?:[^()\\]|\\.)*{_ENDLESS}(?:[^()\\]|\\.)*\){_ENDLESS}")
"""A group that repeats without end and holds something that does: on a text that almost matches, Python's engine may try for hours."""


def _checked_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    if _REPEAT_IN_REPEAT.search(text):
        raise ValueError(
            f"{text!r} repeats a group that repeats: a crafted text would keep the sidecar busy for hours; "
            "write it without the outer repeat, or make the inner one possessive (a++ instead of a+)"
        )
    return text


Pattern = Annotated[str, AfterValidator(_checked_pattern)]
"""A regular expression of Python's ``re``."""


class FeatureSettings(Section):
    """What is known about one feature."""

    kind: Kind | None = None
    """numeric, categorical, boolean, text or embedding. Empty: inferred from the first values."""
    range: tuple[float, float] | None = None
    """Smallest and largest valid number."""
    allowed: list[str] | None = None
    """The only valid categories."""
    pattern: Pattern | None = None
    """Regular expression that valid text matches wholly. A repeat within a repeat is refused."""
    constraint: Literal["positive", "probability", "binary", "integer"] | None = None
    """A named rule that valid numbers obey."""
    max_age: Annotated[Duration, Field(gt=0)] | None = None
    """For a column that holds times (Unix or RFC 3339): how old they may be when the model is asked."""
    required: bool = False
    """True: a missing value, or a missing column, is a schema violation."""
    redact: Literal["hash", "mask", "drop"] | None = None
    """hash: keyed hash in place of the value; mask: only whether it was there; drop: the column is left out."""

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError(f"range {list(self.range)} is upside down: write [smallest, largest]")
        return self


FeatureSpec = FeatureSettings
"""What ``Decoding`` is told about a feature."""
