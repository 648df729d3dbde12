"""From a file to settings, or to every mistake in it."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from neural.monitoring.settings.document import Document, dotted, line_of, parse_document, read_document
from neural.monitoring.settings.problems import ConfigErrors, problems_of
from neural.monitoring.settings.resolve import resolve
from neural.monitoring.settings.root import Settings
from neural.monitoring.settings.schema import plain_schema
from neural.monitoring.settings.shape import Shape


def load_settings(path: Path | str, env: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the file.

    Raises ConfigErrors (a ConfigError) naming every mistake: "file:line: key: what is wrong (did you mean …?)", one a line.
    """
    return _settings(read_document(Path(path)), env)


def parse_settings(
    text: str | bytes, *, name: str = "settings", folder: Path | None = None, env: Mapping[str, str] = os.environ
) -> Settings:
    """As ``load_settings``, from text; ``name`` stands for the file's name in messages."""
    raw = text.encode() if isinstance(text, str) else text
    return _settings(parse_document(raw, name=name, folder=folder or Path()), env)


@functools.cache
def _shape() -> Shape:
    return Shape(plain_schema())


def _settings(document: Document, env: Mapping[str, str]) -> Settings:
    shape = _shape()
    resolved = resolve(document, shape, env)
    problems = list(document.problems)
    try:
        settings = Settings.model_validate(resolved.data)
    except ValidationError as error:
        problems += problems_of(error, document, resolved, shape)
        settings = None
    if problems:
        raise ConfigErrors(sorted(problems, key=lambda problem: line_of(problem.where)))
    assert settings is not None  # no problem means it validated
    places = {dotted(key): document.where(key) for key in document.lines if key}
    return settings.with_source(document.folder, places)
