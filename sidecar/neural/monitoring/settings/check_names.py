"""Names that must be known: features in the reference, the protocol among the decoders."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from neural.monitoring.decode.registry import DECODERS
from neural.monitoring.settings.finding import Finding, Weight
from neural.monitoring.settings.nearest import suggestion
from neural.monitoring.settings.root import Settings

MAX_HEADER_CHARACTERS = 1 << 20


def feature_names(settings: Settings) -> Iterator[Finding]:
    """Names under ``features:``, ``drift.ignore`` and ``capture.feature_names`` that the reference file doesn't have."""
    source = settings.reference.source
    if source is None or not (path := settings.resolve(source)).is_file():
        return
    columns = _columns(path)
    if columns is None:
        return
    named = [(f"features.{name}", name) for name in settings.features]
    named += [(f"drift.ignore[{index}]", name) for index, name in enumerate(settings.drift.ignore)]
    named += [(f"capture.feature_names[{index}]", name) for index, name in enumerate(settings.capture.feature_names)]
    for key, name in named:
        if name not in columns and not name.startswith("@"):
            yield Finding(Weight.WARNING, key, f"{name} is not a column of {path.name}", suggestion(name, columns))


def protocol(settings: Settings) -> Iterator[Finding]:
    """``capture.protocol`` names a decoder, and has what that decoder needs."""
    name = settings.capture.protocol
    if name != "auto" and name not in DECODERS:
        yield Finding(Weight.ERROR, "capture.protocol", f"{name} is not a protocol", suggestion(name, ("auto", *DECODERS)))
    if name == "mapping" and settings.capture.mapping is None:
        hint = "say where features and prediction are"
        yield Finding(Weight.ERROR, "capture.protocol", "mapping needs capture.mapping", hint)
    if name == "protobuf" and not settings.capture.descriptor_set:
        yield Finding(Weight.ERROR, "capture.protocol", "protobuf needs capture.descriptor_set")
    source = settings.capture.descriptor_set
    if source and not settings.resolve(source).is_file():
        yield Finding(Weight.ERROR, "capture.descriptor_set", f"{settings.resolve(source)} is not there")


def _columns(path: Path) -> set[str] | None:
    """The column names, from the file's head only. None where they can't be read here."""
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet  # heavy, and only needed here

            return set(pyarrow.parquet.read_schema(path).names)
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                return set(next(csv.reader([file.readline(MAX_HEADER_CHARACTERS)]), []))
    except (OSError, ValueError):
        return None
    return None
