"""Files named for their mistake, and what is said about them, word for word. UPDATE_GOLDEN=1 writes the answers anew: read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neural.monitoring.errors import ConfigError
from neural.monitoring.settings import check, load_settings

GOLDEN = Path(__file__).parents[2] / "golden" / "settings"
REQUESTS_PER_SECOND = 2 / 60
"""What was observed: little enough that thresholds can lie below the noise."""
INPUTS = sorted(GOLDEN.glob("in-*.yaml"))


def said_about(path: Path) -> str:
    """Every mistake; of a file without mistakes every finding; else "fine"."""
    try:
        settings = load_settings(path.name, env={"PRT": "1"})
    except ConfigError as error:
        return f"{error}\n"
    findings = [
        str(finding) for finding in check(settings, requests_per_second=REQUESTS_PER_SECOND) if "/var/lib" not in finding.message
    ]  # depends on the machine
    return "\n".join([*findings, ""]) if findings else "fine\n"


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem.removeprefix("in-"))
def test_each_mistake_is_told_as_written(path, monkeypatch):
    monkeypatch.chdir(GOLDEN)
    expected = path.with_name(f"out-{path.stem.removeprefix('in-')}.txt")
    said = said_about(path)
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(said)
    assert said == expected.read_text()


def test_there_are_pairs():
    assert len(INPUTS) == len(list(GOLDEN.glob("out-*.txt"))) > 10
