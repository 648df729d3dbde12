"""The frame of a self-contained HTML page: style inside, no script, nothing loaded from anywhere."""

from __future__ import annotations

import html
from importlib import resources


def page(title: str, subtitle: str, body: str) -> str:
    """A whole document. ``body`` is HTML; title and subtitle are text."""
    style = (resources.files("neural.monitoring.reports") / "report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        f"<title>{html.escape(title)}</title><style>{style}</style></head>"
        f"<body><header><h1>{html.escape(title)}</h1><p>{html.escape(subtitle)}</p></header><main>{body}</main></body></html>\n"
    )
