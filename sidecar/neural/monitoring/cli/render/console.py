"""The console: colours and lines on a terminal, plain text in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neural.monitoring.reports.words import NOTHING, number, sparkline

PIPE_WIDTH = 160
"""Columns of output that no terminal limits: long reasons stay on their line."""
MOST_ROWS = 20
"""Rows of a table in text; JSON has them all."""
STYLES = {
    "healthy": "bold green", "ok": "green", "met": "green", "resolved": "green",
    "warning": "yellow", "at_risk": "yellow", "pending": "yellow",
    "critical": "bold red", "bad": "red", "breached": "bold red", "firing": "bold red",
    "info": "cyan", "unknown": "dim", "no_data": "dim", "suppressed": "dim",
}  # fmt: skip
WORDS = {"bad": "bad", "no_data": "no data", "at_risk": "at risk", "unknown": "not known"}


def make_console() -> Console:
    """For stdout. NO_COLOR, FORCE_COLOR and COLUMNS are honoured by rich."""
    console = Console(highlight=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, emoji=False, width=PIPE_WIDTH, soft_wrap=True)


def is_fancy(console: Console) -> bool:
    """True where lines and block characters can be drawn: a terminal that speaks UTF-8."""
    return console.is_terminal and (getattr(sys.stdout, "encoding", "") or "").lower().startswith("utf")


def style_of(word: str) -> str:
    return STYLES.get(word, "")


def state(word: str) -> Text:
    """A status word in its colour."""
    return Text.assemble((WORDS.get(word, word), style_of(word)))


def spark(console: Console, points: Sequence[Sequence[float | None]]) -> str:
    return sparkline(points) if is_fancy(console) and len(points) > 1 else ""


def heading(console: Console, text: str, word: str = "", detail: str = "") -> None:
    """A title line: what, how it is, and a remark."""
    line = Text.assemble((text, "bold"))
    if word:
        line.append("  ").append_text(state(word))
    if detail:
        line.append(f"  {detail}", "dim")
    console.print(line)


def facts(console: Console, rows: Sequence[tuple[str, Any]]) -> None:
    """Label and value, a line each; rows whose value is "" are left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for label, value in rows:
        if value != "":
            grid.add_row(f"  {label}", value if isinstance(value, Text) else Text(str(value)))
    console.print(grid)


def table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[str] = ()) -> None:
    """A table; columns that are empty in every row are left out. Nothing is read as markup."""
    kept = [index for index, _ in enumerate(columns) if any(str(row[index]) for row in rows)]
    drawn = Table(
        box=box.SIMPLE_HEAD if is_fancy(console) else None,
        pad_edge=False,
        show_edge=False,
        header_style="bold",
        padding=(0, 2, 0, 0),
    )
    for index in kept:
        drawn.add_column(columns[index], justify="right" if columns[index] in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(row[index] if isinstance(row[index], Text) else Text(str(row[index])) for index in kept))
    console.print(drawn)


def sentence(console: Console, text: str, style: str = "") -> None:
    """A line of prose; control characters in it (names come from outside) are shown, not obeyed."""
    console.print(Text(text, style))


def trend(console: Console, value: float | None, past: Sequence[Sequence[float | None]]) -> Text:
    """A number and the way it came."""
    line = spark(console, past)
    return Text.assemble(number(value) if value is not None else NOTHING, (f"  {line}" if line else "", "blue"))


def model_name(answer: Mapping[str, Any]) -> str:
    """Name and version of what an answer is about."""
    return f"{answer['model']['name']} {answer['model']['version']}".strip()


def more(console: Console, count: int) -> None:
    """Says so where a table was cut at ``MOST_ROWS``."""
    if count > MOST_ROWS:
        sentence(console, f"  … and {count - MOST_ROWS} more (--format json has them all)", "dim")
