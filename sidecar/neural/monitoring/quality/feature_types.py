"""The feature types of the Python API as rules: the seed's words, and dicts as in the YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.errors import DataError
from neural.monitoring.quality.rules import NUMBER_RULES
from neural.monitoring.records import Kind


def feature_of(name: str, given: str | Mapping[str, Any] | FeatureSettings) -> FeatureSettings:
    """Raises DataError, in one line, for a word or a rule that does not exist."""
    if isinstance(given, FeatureSettings):
        return given
    try:
        if isinstance(given, Mapping):
            return FeatureSettings.model_validate(dict(given))
        if given in NUMBER_RULES:
            return FeatureSettings.model_validate({"constraint": given})
        if given in set(Kind):
            return FeatureSettings(kind=Kind(given))
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"feature_types[{name!r}]: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    words = [*NUMBER_RULES, *(kind.value for kind in Kind)]
    near = get_close_matches(str(given), words, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise DataError(f"feature_types[{name!r}]: {given!r} is not one of {', '.join(words)}{hint}")
