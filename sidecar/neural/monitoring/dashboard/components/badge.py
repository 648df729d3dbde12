"""A word on a coloured ground. The word carries the meaning, the colour only helps."""

from __future__ import annotations

import dash_bootstrap_components as dbc

LEVEL_WORDS = {"ok": "ok", "warn": "warning", "bad": "bad", "unknown": "unknown"}


def badge(level: str, text: str = "") -> dbc.Badge:
    return dbc.Badge(text or LEVEL_WORDS.get(level, level), color="", class_name=f"badge-{level}")
