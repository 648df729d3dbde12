"""The published JSON Schema of the file: what editors complete and check against."""

from __future__ import annotations

import functools
from typing import Any

from neural.monitoring.settings.root import Settings

_SECRET_FILE = {
    "type": "object",
    "properties": {"file": {"type": "string", "description": "A file holding the secret; its last line break is dropped."}},
    "required": ["file"],
    "additionalProperties": False,
}
_FROM_ENVIRONMENT = {
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
    "description": "A value from the environment: ${NAME} or ${NAME:-default}.",
}

_NOT_SCHEMA = frozenset({"ge", "gt", "le", "lt"})  # bounds of values written as words: pydantic checks them after reading


@functools.cache
def _plain() -> dict[str, Any]:
    return Settings.model_json_schema(mode="validation")


def plain_schema() -> dict[str, Any]:
    """The schema as pydantic sees the values, after substitution."""
    return _plain()


def json_schema() -> dict[str, Any]:
    """The schema of the file as people write it: ${ENV} for numbers, {file: path} for secrets."""
    schema = _written(plain_schema())
    definitions = {"FromEnvironment": _FROM_ENVIRONMENT, "SecretFile": _SECRET_FILE, **schema.get("$defs", {})}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "neural-monitoring",
        "description": "The configuration of the neural-monitoring sidecar.",
        "$defs": dict(sorted(definitions.items())),
    }


def _written(schema: Any) -> Any:
    """A schema as the file is written: walks into the places of a schema where schemas stand, and nowhere else."""
    if not isinstance(schema, dict):
        return schema
    changed = {key: value for key, value in schema.items() if key not in _NOT_SCHEMA}
    if isinstance(changed.get("default"), dict) and not _takes_mappings(changed):
        del changed["default"]  # a value that is written as a word
    for word in ("properties", "$defs"):
        if word in changed:
            changed[word] = {key: _written(inner) for key, inner in changed[word].items()}
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if word in changed:
            changed[word] = [_written(inner) for inner in changed[word]]
    for word in ("items", "additionalProperties"):
        if word in changed:
            changed[word] = _written(changed[word])
    if changed.get("writeOnly"):
        return _alternative(changed, "SecretFile")
    if changed.get("type") in {"integer", "number", "boolean"} and "enum" not in changed and "const" not in changed:
        return _alternative(changed, "FromEnvironment")
    return changed


def _takes_mappings(schema: dict[str, Any]) -> bool:
    return "$ref" in schema or schema.get("type") == "object" or any("$ref" in part for part in schema.get("anyOf", ()))


def _alternative(schema: dict[str, Any], name: str) -> dict[str, Any]:
    outer: dict[str, Any] = {key: schema.pop(key) for key in ("default", "description", "title") if key in schema}
    return {"anyOf": [schema, {"$ref": f"#/$defs/{name}"}], **outer}
