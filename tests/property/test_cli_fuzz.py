"""Any arguments: an exit code that means something, and never a traceback."""

from __future__ import annotations

import io
from collections.abc import Iterator

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neural.monitoring.cli.entry import monitor, run

SERVING = frozenset({("run",), ("dashboard",), ("prometheus",), ("demo",), ("capture",)})
"""These go on until they are stopped."""
ENDLESS = frozenset({"--watch"})
WORDS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),  # no process can be given others
    st.sampled_from(
        ["", "-", "--", "0", "-1", "1h", "30d", "1e999", "nan", "text", "json", "csv", "html", "2026-01-01", "../..", "{folder}"]
    ),
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(["{folder}/garbage", "{folder}/absent", "unix:///absent", "http://127.0.0.1:9", "m", "x > 1", "m@1"]),
)


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        elif (*path, name)[:1] not in SERVING:
            yield (*path, name), command


COMMANDS = dict(_commands(monitor))


def _arguments(command: click.Command) -> st.SearchStrategy[list[str]]:
    options = [param for param in command.params if isinstance(param, click.Option)]
    names = [name for one in options for name in (*one.opts, *one.secondary_opts) if name not in ENDLESS]
    flag = st.sampled_from(names or ["--x"])
    part = st.one_of(flag.map(lambda name: [name]), st.tuples(flag, WORDS).map(list), WORDS.map(lambda word: [word]))
    return st.lists(part, max_size=5).map(lambda parts: [word for one in parts for word in one])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_survives_any_arguments(path, tmp_path, monkeypatch, capfd):
    (tmp_path / "garbage").write_bytes(b"\x00\xff{not: [a file")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    for name in ("NEURAL_MONITOR_STORAGE_PATH", "NEURAL_MONITOR_SIDECAR", "NEURAL_MONITOR_CONFIG"):
        monkeypatch.delenv(name, raising=False)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_arguments(COMMANDS[path]))
    def survives(arguments):
        given_ = [word.replace("{folder}", str(tmp_path)) for word in arguments]
        code = run(monitor, "neural monitor", [*path, *given_])
        said = "".join(capfd.readouterr())
        assert code in (0, 1, 2), (given_, code)
        assert "Traceback" not in said, (given_, said)

    survives()


def test_every_command_that_ends_is_tried():
    assert len(COMMANDS) > 20
