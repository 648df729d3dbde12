"""Questions to the JSON Schema of the settings: which keys may stand here, is this a secret, is it text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from neural.monitoring.settings.document import KeyPath

Schema: TypeAlias = Mapping[str, Any]
_NOT_TEXT = frozenset({"integer", "number", "boolean", "array", "object"})


class Shape:
    """A JSON Schema, asked by key path."""

    def __init__(self, schema: Schema) -> None:
        self._root = schema
        self._definitions: Mapping[str, Any] = schema.get("$defs", {})

    def at(self, path: KeyPath) -> list[Schema]:
        """Every alternative that may stand at the path; none where the path is unknown."""
        found = list(self._expand(self._root))
        for part in path:
            found = [inner for schema in found for step in _step(schema, part) for inner in self._expand(step)]
        return found

    def keys(self, path: KeyPath) -> list[str]:
        """The key names known at the path, sorted."""
        return sorted({key for schema in self.at(path) for key in schema.get("properties", {})})

    def is_secret(self, path: KeyPath) -> bool:
        return any(schema.get("writeOnly") for schema in self.at(path))

    def holds_secrets(self, path: KeyPath) -> bool:
        """A secret, or a list or mapping of them: what is wrongly written here may be one."""
        return any(self.is_secret(place) for place in (path, (*path, 0), (*path, "*")))

    def names(self) -> set[str]:
        """Every key name known anywhere."""
        schemas = (self._root, *self._definitions.values())
        return {key for schema in schemas for key in schema.get("properties", {})}

    def is_text(self, path: KeyPath) -> bool:
        """True where text may stand and no number, boolean or list may."""
        found = self.at(path)
        kinds = {schema.get("type") for schema in found}
        return "string" in kinds and not kinds & _NOT_TEXT

    def places(self, key: str) -> list[str]:
        """The dotted places where a key of this name is known, shortest first."""
        found: set[str] = set()
        self._search(self._root, key, "", found, ())
        return sorted(found, key=lambda place: (place.count("."), place))

    def _search(self, schema: Schema, key: str, prefix: str, found: set[str], seen: tuple[str, ...]) -> None:
        if len(seen) > 8:
            return
        for inner in self._expand(schema):
            for name, child in inner.get("properties", {}).items():
                place = f"{prefix}.{name}" if prefix else name
                if name == key:
                    found.add(place)
                self._search(child, key, place, found, (*seen, name))
            extra = inner.get("additionalProperties")
            if isinstance(extra, Mapping):
                self._search(extra, key, f"{prefix}.<name>", found, (*seen, "*"))
            items = inner.get("items")
            if isinstance(items, Mapping):
                self._search(items, key, f"{prefix}[]", found, (*seen, "[]"))

    def _expand(self, schema: Any) -> Iterator[Schema]:
        """The alternatives of a schema, with references followed."""
        if not isinstance(schema, Mapping):
            return
        if "$ref" in schema:
            yield from self._expand(self._definitions.get(str(schema["$ref"]).rpartition("/")[2], {}))
            return
        alternatives = [part for word in ("anyOf", "oneOf", "allOf") for part in schema.get(word, ())]
        if not alternatives:
            yield schema
        for part in alternatives:
            yield from self._expand(part)


def _step(schema: Schema, part: str | int) -> Iterable[Any]:
    if isinstance(part, int):
        prefix = schema.get("prefixItems", ())
        return (prefix[part],) if part < len(prefix) else (schema.get("items"),)
    properties = schema.get("properties", {})
    return (properties[part],) if part in properties else (schema.get("additionalProperties"),)
