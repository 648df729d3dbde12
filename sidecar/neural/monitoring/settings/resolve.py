"""What stands in the file becomes what is meant: ``${ENV}``, ``{file: path}`` for secrets, and numbers where text is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neural.monitoring.settings.document import Document, KeyPath
from neural.monitoring.settings.nearest import nearest
from neural.monitoring.settings.shape import Shape

MAX_SECRET_BYTES = 64 * 1024
MAX_VALUE_CHARACTERS = 1 << 20  # of one text after substitution

# ${NAME}, ${NAME:-default}; $${NAME} stays as ${NAME}.
_PLACEHOLDER = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<broken>\$\{)")


@dataclass(slots=True)
class Resolved:
    """The values, ready to be validated.

    ``hidden``: places whose value came from outside the file and is never printed. ``broken``: places already reported.
    """

    data: dict[str, Any]
    hidden: set[KeyPath] = field(default_factory=set[KeyPath])
    broken: set[KeyPath] = field(default_factory=set[KeyPath])


def resolve(document: Document, shape: Shape, env: Mapping[str, str]) -> Resolved:
    """Substitute. Mistakes go to ``document.problems``."""
    resolver = _Resolver(document, shape, env)
    resolver.resolved.data = resolver.value(document.data, ())
    return resolver.resolved


class _Resolver:
    def __init__(self, document: Document, shape: Shape, env: Mapping[str, str]) -> None:
        self._document, self._shape, self._env = document, shape, env
        self.resolved = Resolved({})

    def value(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            if set(value) == {"file"} and self._shape.is_secret(path):
                return self._secret_file(self.value(value["file"], (*path, "file")), path)
            return {key: self.value(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, (*path, index)) for index, inner in enumerate(value)]
        if isinstance(value, str):
            return self._substituted(value, path)
        text = self._document.texts.get(path)
        if value is not None and text is not None and self._shape.is_text(path):
            return text
        return value

    def _substituted(self, text: str, path: KeyPath) -> str:
        if "${" not in text:
            return text

        def put(match: re.Match[str]) -> str:
            if match["escaped"]:
                return "${"
            if match["broken"]:
                self._break(path, "has a ${ without a name and a }", "write $${ for a literal ${")
                return ""
            self.resolved.hidden.add(path)
            return self._from_environment(match, path)

        result = _PLACEHOLDER.sub(put, text)
        if len(result) > MAX_VALUE_CHARACTERS:
            self._break(path, f"is longer than {MAX_VALUE_CHARACTERS} characters after substitution")
            return ""
        return result

    def _from_environment(self, match: re.Match[str], path: KeyPath) -> str:
        name, default = match["name"], match["default"]
        found = self._env.get(name, "")
        if found or (name in self._env and default is None):
            return found
        if default is not None:
            return default
        near = nearest(name, self._env)
        hint = f"did you mean {near}?" if near else f"set it, or write ${{{name}:-a default}}"
        self._break(path, f"the environment variable {name} is not set", hint)
        return ""

    def _secret_file(self, name: Any, path: KeyPath) -> str:
        self.resolved.hidden.add(path)
        file = self._document.folder / Path(str(name)).expanduser()
        try:
            with file.open("rb") as handle:
                raw = handle.read(MAX_SECRET_BYTES + 1)
            text = raw.decode()
        except (OSError, UnicodeDecodeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "is not UTF-8 text"
            self._break(path, f"the secret file {file} can't be read: {reason}")
            return ""
        if len(raw) > MAX_SECRET_BYTES:
            self._break(path, f"the secret file {file} is larger than {MAX_SECRET_BYTES // 1024} KiB")
        return text.rstrip("\r\n")

    def _break(self, path: KeyPath, message: str, hint: str = "") -> None:
        if path not in self.resolved.broken:
            self.resolved.broken.add(path)
            self._document.report(path, message, hint)
