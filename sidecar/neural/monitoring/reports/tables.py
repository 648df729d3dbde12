"""Tables of an HTML page. Whatever stands in them is text."""

from __future__ import annotations

import html
from collections.abc import Sequence

STATES = frozenset(
    {
        "healthy", "ok", "met", "resolved", "warning", "at_risk", "pending", "critical", "bad", "breached", "firing",
        "info", "unknown", "no_data", "suppressed",
    }
)  # fmt: skip
"""Words that say how something is: in colour wherever they stand alone."""


def html_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in columns)
    body = "".join(f"<tr>{''.join(_cell(str(cell)) for cell in row)}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str) -> str:
    word = text.replace(" ", "_")
    return f'<td class="{word}">{html.escape(text)}</td>' if word in STATES else f"<td>{html.escape(text)}</td>"
