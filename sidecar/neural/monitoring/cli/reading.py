"""The options that every reading command has, and the way an answer is shown: text or JSON, once or again and again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import click

from neural.monitoring.cli.entry import FAILED, FINDINGS, WELL
from neural.monitoring.cli.moments import Moment
from neural.monitoring.cli.source import NO_DATA, Answer, FolderSource, SidecarSource, Source

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_STORAGE_PATH = "monitoring_data"
WATCH_SECONDS = 2.0
Render = Callable[["Console", Answer], None]
_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Reading:
    """What the shared options said."""

    storage_path: Path
    output: str
    sidecar: str | None
    token: str
    watch: float | None
    model: str | None
    version: str | None
    at: float | None = None

    def source(self) -> Source:
        return SidecarSource(self.sidecar, self.token) if self.sidecar else FolderSource(self.storage_path)

    def show(
        self,
        question: str,
        render: Render,
        found: Callable[[Answer], bool],
        *,
        wanted: Mapping[str, Any] | None = None,
        code_without_data: int = WELL,
    ) -> int:
        """Ask, print, and return the exit code: 1 when ``found(answer)``, 2 when there is nothing to ask."""
        asked = {"model": self.model, "version": self.version, "at": self.at, **(wanted or {})}
        if self.at is not None and self.watch is not None:
            raise click.UsageError("--at is one moment: without --watch")
        source = self.source()
        try:
            if self.watch is not None:
                return self._watch(source, question, asked, render)
            answer = source.ask(question, asked)
            self._print(answer, render)
            if source.missing:
                return FAILED
            if answer.get("status") == NO_DATA:
                return code_without_data
            return FINDINGS if found(answer) else WELL
        finally:
            source.close()

    def _print(self, answer: Answer, render: Render) -> None:
        if self.output == "json":
            click.echo(json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False))
            return
        from neural.monitoring.reports.words import printable

        plain: Answer = printable(answer)
        if plain.get("status") == NO_DATA and "message" in plain:
            self.print_text(lambda console: console.print(f"no_data: {plain['message']}", style="yellow", markup=False))
        else:
            self.print_text(lambda console: render(console, plain))

    @staticmethod
    def print_text(draw: Callable[[Console], None]) -> None:
        """What ``draw`` prints, in one piece; in a pipe without blanks at the ends of lines."""
        from neural.monitoring.cli.render.console import make_console

        console = make_console()
        with console.capture() as printed:
            draw(console)
        text = printed.get()
        click.echo(text if console.is_terminal else "".join(f"{line.rstrip()}\n" for line in text.splitlines()), nl=False)

    def _watch(self, source: Source, question: str, asked: Mapping[str, Any], render: Render) -> int:
        """Until Ctrl-C: the screen redrawn in text, a line a look in JSON."""
        assert self.watch is not None
        try:
            while True:
                answer = source.ask(question, asked)
                if self.output == "json":
                    click.echo(json.dumps(answer, ensure_ascii=False, allow_nan=False))
                else:
                    click.clear()
                    self._print(answer, render)
                time.sleep(self.watch)
        except KeyboardInterrupt:
            return WELL


def storage_option(command: _Command) -> _Command:
    return click.option(
        "--storage-path",
        type=click.Path(path_type=Path),
        default=DEFAULT_STORAGE_PATH,
        envvar="NEURAL_MONITOR_STORAGE_PATH",
        show_default=True,
        help="The storage path: where the sidecar keeps its state.",
    )(command)


def format_option(command: _Command, formats: Sequence[str] = ("text", "json")) -> _Command:
    """--format; the first of the formats is the default."""
    return click.option(
        "--format", "output", type=click.Choice(formats), default=formats[0], show_default=True, help="Output format."
    )(command)


def sidecar_options(command: _Command) -> _Command:
    """--sidecar URL and --token."""
    token = click.option("--token", default="", envvar="NEURAL_MONITOR_TOKEN", help="The sidecar's token, where it asks for one.")
    url = click.option(
        "--sidecar",
        metavar="URL",
        envvar="NEURAL_MONITOR_SIDECAR",
        help="Ask a running sidecar: http://host:8052 or unix:///path.",
    )
    return url(token(command))


_READING = (
    storage_option,
    sidecar_options,
    click.option("--model", help="Which model, where the sidecar serves several."),
    click.option("--model-version", "version", help="Which version of it."),
    click.option("--at", type=Moment(), help="As it was at that time: 2026-11-23T15:04, or 2h for two hours ago."),
    click.option(
        "--watch", type=click.FloatRange(min=0.1), is_flag=False, flag_value=WATCH_SECONDS, default=None, metavar="[SECONDS]",
        help=f"Look again every SECONDS ({WATCH_SECONDS:g}), until Ctrl-C.",
    ),
)  # fmt: skip


@overload
def reading_options(command: Callable[..., Any], *, formats: Sequence[str] = ...) -> Callable[..., Any]: ...
@overload
def reading_options(*, formats: Sequence[str] = ...) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
def reading_options(
    command: Callable[..., Any] | None = None, *, formats: Sequence[str] = ("text", "json")
) -> Callable[..., Any]:
    """Give a command the shared options; it receives them as one ``Reading``, its first argument."""
    if command is None:
        return partial(reading_options, formats=formats)

    def wrapped(
        *,
        storage_path: Path,
        output: str,
        sidecar: str | None,
        token: str,
        watch: float | None,
        model: str | None,
        version: str | None,
        at: float | None,
        **own: Any,
    ) -> Any:
        return command(Reading(storage_path, output, sidecar, token, watch, model, version, at), **own)

    wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
    wrapped.__click_params__ = list(getattr(command, "__click_params__", ()))  # type: ignore[attr-defined]  # where click keeps options
    for option in reversed(_READING):
        wrapped = option(wrapped)
    return format_option(wrapped, formats)
