"""The tree shows the architecture, and stays that way."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for root in ("middleware", "sidecar") for path in (ROOT / root).rglob("*.py")]


def test_the_namespace_stays_open() -> None:
    assert not (ROOT / "middleware/neural/__init__.py").exists()
    assert not (ROOT / "sidecar/neural/__init__.py").exists()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.name == "__init__.py"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_init_files_hold_reexports_only(path: Path) -> None:
    import ast

    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr, ast.If, ast.Try)
    if path == ROOT / "sidecar/neural/monitoring/__init__.py":
        allowed += (ast.FunctionDef,)  # says in one line what to install when its dependencies are missing
    odd = [type(node).__name__ for node in ast.parse(path.read_text()).body if not isinstance(node, allowed)]
    assert not odd


def test_no_file_is_called_utils() -> None:
    assert not [path for path in SOURCES if path.stem in {"utils", "util", "helpers", "common", "misc"}]


def _tool(name: str) -> list[str]:
    return [str(Path(sys.executable).parent / name)]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "command",
    [
        [*_tool("ruff"), "check", "."],
        [*_tool("ruff"), "format", "--check", "."],
        _tool("mypy"),
        _tool("lint-imports"),
    ],
    ids=["ruff check", "ruff format", "mypy strict", "import-linter"],
)
def test_tool_is_clean(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_pyright_is_clean() -> None:
    done = subprocess.run(_tool("pyright"), cwd=ROOT, capture_output=True, text=True, check=False)
    if "error" not in done.stdout and done.returncode not in (0, 1):
        pytest.skip(f"pyright can't run here (it needs Node.js from its registry): {done.stderr[-300:]}")
    assert done.returncode == 0, done.stdout[-4000:]


def _layers() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(contract for contract in contracts if contract["name"] == "a room imports downwards only")["layers"]


def test_the_map_draws_the_layers_that_import_linter_keeps() -> None:
    layers = "".join(f"    {layer}\n" for layer in _layers())
    assert layers in (ROOT / "ARCHITECTURE.md").read_text()


def test_the_map_has_a_paragraph_for_every_room_and_for_no_other() -> None:
    monitoring = ROOT / "sidecar/neural/monitoring"
    rooms = {path.parent.name for path in monitoring.glob("*/__init__.py")} - {"examples"} | {"wire", "capture"}
    assert set(re.findall(r"^\*\*`(\w+)`\*\*", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)) == rooms


def test_every_file_that_the_map_names_exists() -> None:
    named = set(re.findall(r"`([\w/]+\.(?:py|yaml|toml|proto))`", (ROOT / "ARCHITECTURE.md").read_text()))
    known = [
        path.as_posix()
        for path in [
            *SOURCES,
            *ROOT.glob("*.*"),
            *(ROOT / "sidecar").rglob("*.yaml"),
            *(ROOT / "config").glob("*"),
            *(ROOT / "proto").rglob("*.proto"),
        ]
    ]
    assert not [name for name in named if not any(path.endswith(f"/{name}") for path in known)]
