"""Imported by a process that others are forked from: what every sidecar does before its first row is done once."""

from __future__ import annotations

import gc
import importlib

from neural.monitoring.settings import parse_settings

for name in ("neural.monitoring.app.run", "neural.monitoring.cli.entry", "neural.monitoring.cli.commands.run"):
    importlib.import_module(name)
parse_settings("model: {name: m}")
gc.freeze()
