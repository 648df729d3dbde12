"""docs/cli.md says what the commands say."""

from __future__ import annotations

from pathlib import Path

from neural.monitoring.cli.document import document

PATH = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_page_is_what_the_commands_say():
    assert PATH.read_text(encoding="utf-8") == document(), "write it again: python -m neural.monitoring.cli.document docs/cli.md"


def test_every_command_and_the_shared_options_stand_in_it():
    text = document()
    for command in (
        "demo",
        "init",
        "run",
        "status",
        "alerts silence",
        "alerts ack",
        "slo import",
        "config check",
        "labels import",
        "rules prometheus",
        "backtest",
    ):
        assert f"`neural monitor {command}`" in text
    assert "\b" not in text
