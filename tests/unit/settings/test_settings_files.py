"""The files under config/ say what the code says."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from neural.monitoring.section import Section
from neural.monitoring.settings import Settings, full_yaml, json_schema, load_settings, parse_settings
from neural.monitoring.settings.full import OFF

CONFIG = Path(__file__).parents[3] / "config"
WRITE = "run: python -m neural.monitoring.settings.write config"


def test_the_schema_in_the_repository_is_current():
    assert json.loads((CONFIG / "schema.json").read_text()) == json_schema(), WRITE


def test_the_full_file_in_the_repository_is_current():
    assert (CONFIG / "full.yaml").read_text() == full_yaml(), WRITE


def test_the_schema_is_a_valid_schema():
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("name", ["minimal.yaml", "full.yaml"])
def test_each_file_loads_and_fits_the_schema(name):
    load_settings(CONFIG / name, env={})
    jsonschema.validate(yaml.safe_load((CONFIG / name).read_text()), json_schema())


def test_the_defaults_the_full_file_states_are_the_defaults():
    stated = load_settings(CONFIG / "full.yaml", env={}).model_dump()
    assert stated == load_settings(CONFIG / "minimal.yaml", env={}).model_dump()


def test_every_key_of_the_schema_stands_in_the_full_file():
    text = full_yaml()
    written = set(re.findall(r"^(?:#: )?\s*(?:- )?([A-Za-z_]+):", text, re.MULTILINE))
    schema = json_schema()
    known = {key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", {})} - {"file"}
    assert known - written == set()


def test_every_key_has_a_comment_line():
    lines = [line.removeprefix(OFF).strip() for line in full_yaml().splitlines()]
    bare = [
        line for before, line in itertools.pairwise(lines) if re.match(r"(- )?[A-Za-z_]+:", line) and len(before.lstrip("# ")) < 4
    ]
    assert bare == []


def _blocks() -> list[str]:
    blocks, current = [], []
    for line in [*full_yaml().splitlines(), ""]:
        if line.startswith(OFF):
            current.append(line.removeprefix(OFF))
        elif current:
            blocks.append("\n".join(current))
            current = []
    return blocks


@pytest.mark.parametrize("block", _blocks(), ids=lambda block: block.partition(":")[0].strip())
def test_what_is_shown_as_off_is_valid_when_taken_in(block):
    text = full_yaml()
    key = block.partition(":")[0]
    taken = "\n".join(f"{OFF}{line}" for line in block.split("\n"))
    text = text.replace(taken, block)
    text = re.sub(rf"^{key}: (null|\[\]|{{}})$\n", "", text, count=1, flags=re.MULTILINE)
    parse_settings(text, name="full", env={"WEBHOOK": "https://hooks.example.com/x", "ROUTING_KEY": "r"})


def test_the_schema_takes_variables_and_secret_files():
    document = yaml.safe_load("model: {name: a}\ndashboard: {port: '${PORT}', token: {file: t}}")
    jsonschema.validate(document, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"model": {"name": "a"}, "dashboard": {"prot": 1}}, json_schema())


def test_every_part_of_the_root_is_a_section_with_a_line_of_its_own():
    for name, field in Settings.model_fields.items():
        assert field.description, name
    assert issubclass(Settings, Section)
