"""The parts of the file that no domain owns: the model's name, the log, monitors of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from neural.monitoring.section import Section

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f/\\]+$")]
"""Becomes a label and a folder name: no slashes, no control characters."""


class ModelSettings(Section):
    """The model behind this sidecar. Requests that name another one are kept apart under that name."""

    name: Name
    """The model's name where the request doesn't say."""
    version: Name = "1.0"
    """The model's version where the request doesn't say."""


class LogSettings(Section):
    """What the sidecar says about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe line that is printed."""
    format: Literal["text", "json"] = "text"
    """text for people, json for log collectors."""


class MonitorSettings(Section):
    """A monitor of one's own: a class with name, specs and evaluate, importable by the sidecar."""

    use: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", max_length=300)]
    """Where the class is: package.module:ClassName."""
    options: Mapping[str, Any] = {}
    """Keyword arguments of its constructor."""
