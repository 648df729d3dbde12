"""One distribution, light where it must be, honest where something is missing."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run(code: str, **kwargs) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, **kwargs)


def test_capture_loads_no_third_party_module() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import neural.capture\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(name for name in new if name != 'neural' and name not in sys.stdlib_module_names))"
    )
    done = _run(code)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_a_bare_install_has_no_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == []
    assert {"grpc", "sidecar", "dashboard", "lake", "demo", "test", "full"} <= set(project["optional-dependencies"])


def test_monitoring_without_its_extra_says_in_one_line_what_to_install() -> None:
    hide = (
        "from importlib.machinery import PathFinder\n"
        "real = PathFinder.find_spec\n"
        "missing = {'numpy', 'scipy', 'pydantic'}\n"
        "PathFinder.find_spec = classmethod(lambda cls, name, *a: None if name.partition('.')[0] in missing else real(name, *a))\n"
        "try:\n"
        "    import neural.monitoring\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )
    done = _run(hide)
    assert done.stdout.count("\n") == 1
    assert "pip install 'neural-monitoring[sidecar]'" in done.stdout


def test_a_clash_with_another_neural_package_is_named(tmp_path: Path) -> None:
    """Another distribution's regular package ``neural`` hides ours; the console script says so."""
    (tmp_path / "neural").mkdir()
    (tmp_path / "neural" / "__init__.py").write_text("")
    script = Path(sys.executable).parent / "neural-monitor"
    done = subprocess.run(
        [str(script), "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert str(tmp_path / "neural" / "__init__.py") in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


PACKAGES = ["neural.wire", "neural.capture", "neural.monitoring"]


def _public_modules() -> list[str]:
    names: list[str] = []
    for package in PACKAGES:
        module = importlib.import_module(package)
        names.append(package)
        names += [found.name for found in pkgutil.walk_packages(module.__path__, f"{package}.") if found.ispkg]
    return names


@pytest.mark.parametrize("name", _public_modules())
def test_public_names_exist_and_are_listed(name: str) -> None:
    module = importlib.import_module(name)
    if not hasattr(module, "__all__"):
        assert "import" not in Path(str(module.__file__)).read_text().replace("from __future__ import annotations", "")
        return
    listed = module.__all__
    assert len(set(listed)) == len(listed)
    for public in listed:
        assert getattr(module, public) is not None
