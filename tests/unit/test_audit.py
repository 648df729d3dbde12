"""`make audit` says what was asked for. The answer of a registry without advisories is recorded from pip-audit 2.10; the others have the form its
JSON formatter writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.audit import CLEAN, NOT_WHOLE, VULNERABLE, main

UNKNOWN = "Dependency not found on PyPI and could not be audited"
SKIPPED = {
    "dependencies": [
        {"name": "numpy", "skip_reason": f"{UNKNOWN}: numpy (1.26.0)"},
        {"name": "six", "skip_reason": f"{UNKNOWN}: six (1.16.0)"},
    ],
    "fixes": [],
}
ASKED = {
    "dependencies": [
        {"name": "flask", "version": "2.2.5", "vulns": []},
        {
            "name": "jinja2",
            "version": "2.4.1",
            "vulns": [
                {
                    "id": "PYSEC-2014-8",
                    "fix_versions": ["2.7.2"],
                    "aliases": ["CVE-2014-1402"],
                    "description": "The default configuration …",
                }
            ],
        },
    ],
    "fixes": [],
}
CLEAR = {"dependencies": [ASKED["dependencies"][0], {"name": "six", "version": "1.16.0", "vulns": []}], "fixes": []}
MIXED = {"dependencies": [ASKED["dependencies"][0], SKIPPED["dependencies"][1]], "fixes": []}


def run(tmp_path: Path, answer: object, requirements: str, *options: str) -> int:
    (tmp_path / "answer.json").write_text(answer if isinstance(answer, str) else json.dumps(answer))
    (tmp_path / "requirements.txt").write_text(requirements)
    return main([str(tmp_path / "answer.json"), str(tmp_path / "requirements.txt"), *options])


@pytest.mark.parametrize(
    ("answer", "requirements", "options", "code", "words"),
    [
        (SKIPPED, "numpy==1.26.0\nsix==1.16.0\n", [], NOT_WHOLE, f"asked for 0 of 2 packages, because {UNKNOWN}: numpy, six\nnothing"),
        (SKIPPED, "numpy==1.26.0\nsix==1.16.0\n", ["--partial"], NOT_WHOLE, "nothing was audited"),  # an audit of nothing is none
        (ASKED, "Flask==2.2.5\njinja2==2.4.1\n", [], VULNERABLE, "jinja2 2.4.1: PYSEC-2014-8\nasked for 2 of 2 packages\n"),
        (ASKED, "Flask==2.2.5\njinja2==2.4.1\n", ["--partial"], VULNERABLE, "1 packages have known vulnerabilities"),
        (CLEAR, "flask==2.2.5\nsix==1.16.0\n", [], CLEAN, "asked for 2 of 2 packages\nno known vulnerabilities\n"),
        (MIXED, "flask==2.2.5\nsix==1.16.0\n", [], NOT_WHOLE, "asked for 1 of 2 packages, because"),
        (MIXED, "flask==2.2.5\nsix==1.16.0\n", ["--partial"], CLEAN, "nothing is known of the others"),
        (CLEAR, "flask==2.2.5\nsix==1.16.0\nmade_up @ file:///x\n", [], NOT_WHOLE, "does not name it: made_up"),
    ],
)  # fmt: skip
def test_an_audit_is_whole_when_every_package_was_asked_for(tmp_path, capsys, answer, requirements, options, code, words):
    assert run(tmp_path, answer, requirements, *options) == code
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["", "Traceback", "{}", '{"dependencies": [{}]}'])
def test_without_an_answer_nothing_was_audited(tmp_path, capsys, answer):
    assert run(tmp_path, answer, "six==1.16.0\n") == NOT_WHOLE
    assert "nothing was audited" in capsys.readouterr().err


def test_many_packages_of_one_reason_are_one_short_line(tmp_path, capsys):
    names = [f"package{at}" for at in range(84)]
    answer = {"dependencies": [{"name": name, "skip_reason": f"{UNKNOWN}: {name} (1)"} for name in names]}
    run(tmp_path, answer, "".join(f"{name}==1\n" for name in names))
    first, _ = capsys.readouterr().out.splitlines()
    assert first.endswith("package3, package4 and 79 more")
