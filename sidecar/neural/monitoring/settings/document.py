"""A YAML file as plain values that remember their lines.

YAML's surprises are taken out: ``no`` is not a boolean, ``1:30`` is not 90, a key written twice is an error, and every scalar keeps
its text, so that ``version: 1.10`` can stay "1.10". Bytes, depth, nodes and what aliases expand to are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from neural.monitoring.errors import ConfigError

MAX_BYTES = 1 << 20  # a Kubernetes ConfigMap can't be larger
MAX_DEPTH = 32
_TOO_DEEP = "exceeded maximum nesting depth"  # libyaml's own limit, which newer ones meet while they read ahead
MAX_NODES = 200_000  # after aliases are expanded

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: ("slos", 0, "target")."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    _CORE + name for name in ("null", "bool", "int", "float", "str", "map", "seq", "timestamp", "merge", "value")
)
_INT = re.compile(r"[-+]?[0-9][0-9_]*")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(slots=True)
class Document:
    """The values of one YAML file, and where each stands.

    ``lines``: the 1-based line of every value (of its key, in a mapping). ``texts``: the text of every unquoted scalar that was read as
    something else than text. ``problems``: what is wrong with the file as YAML.
    """

    name: str
    folder: Path
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    texts: dict[KeyPath, str] = field(default_factory=dict[KeyPath, str])
    problems: list[ConfigError] = field(default_factory=list[ConfigError])

    def where(self, path: KeyPath) -> str:
        """ "file:line" of the value, or of the nearest parent that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"

    def report(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(ConfigError(message, where=self.where(path), key=dotted(path), hint=hint))


def dotted(path: KeyPath) -> str:
    """slos[0].target, as people write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def line_of(where: str) -> int:
    """The line of "file:line"; 0 where there is none."""
    line = where.rpartition(":")[2]
    return int(line) if line.isdigit() else 0


def read_document(path: Path) -> Document:
    """The file's values. Raises ConfigError where it can't be read or isn't YAML at all."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        hint = "neural monitor init writes one" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError(f"can't be read: {error.strerror}", where=str(path), hint=hint) from None
    return parse_document(raw, name=str(path), folder=path.parent)


def parse_document(raw: bytes, *, name: str, folder: Path) -> Document:
    """As ``read_document``, from bytes."""
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"is larger than {MAX_BYTES // 1024} KiB", where=name)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError("is not UTF-8 text", where=f"{name}:{line}") from None
    document = Document(name=name, folder=folder)
    root = _compose(text, name)
    if root is None:
        return document
    if not isinstance(root, MappingNode):
        raise ConfigError("must be a mapping of keys to values", where=f"{name}:1", hint="the least is model: {name: flights}")
    document.data = _Reader(document).value(root, ())
    return document


def _compose(text: str, name: str) -> Node | None:
    try:
        _check_shape(text, name)
        return yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        if error.problem == _TOO_DEEP:
            raise ConfigError(f"is nested deeper than {MAX_DEPTH} levels", where=where) from None
        detail = " ".join(part for part in (error.context, error.problem) if part)
        line = text.split("\n")[mark.line] if mark and mark.line <= text.count("\n") else ""
        hint = "indent with spaces, not with tabs" if line.lstrip(" ").startswith("\t") else ""
        raise ConfigError(f"is not valid YAML: {detail}", where=where, hint=hint) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"is not valid YAML: {' '.join(str(error).split())}", where=name) from None


def _check_shape(text: str, name: str) -> None:
    """Depth and count, before anything recursive looks at the file."""
    depth = documents = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if depth > MAX_DEPTH:
            raise ConfigError(f"is nested deeper than {MAX_DEPTH} levels", where=f"{name}:{line}")
        if count > MAX_NODES:
            raise ConfigError(f"holds more than {MAX_NODES} values", where=f"{name}:{line}")
        if documents > 1:
            raise ConfigError("holds more than one document (---)", where=f"{name}:{line}")


class _Reader:
    """Turns YAML's nodes into plain values, with their lines."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        document = self._document
        document.lines.setdefault(path, node.start_mark.line + 1)
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise ConfigError("expands to too many values through its aliases", where=document.where(path), key=dotted(path))
        if node.tag not in _PLAIN_TAGS:
            document.report(path, f"the tag {node.tag.removeprefix(_CORE)!r} is not supported", "write the plain value")
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, MappingNode)
        return self._mapping(node, path)

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        if node.style:  # quoted or a block: text, whatever it looks like
            return node.value
        value = plain_value(node.value)
        if not isinstance(value, str):
            self._document.texts[path] = node.value
        return value

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _CORE + "merge":
                merged |= self._merged(value_node, path)
                continue
            if not isinstance(key_node, ScalarNode):
                self._document.report(path, "a key must be a word, not a list or a mapping")
                continue
            here = (*path, key_node.value)
            line = key_node.start_mark.line + 1
            if key_node.value in values:
                first = self._document.lines[here]
                self._document.lines[here] = line
                self._document.report(here, "is given twice", f"first on line {first}")
                continue
            self._document.lines[here] = line
            values[key_node.value] = self.value(value_node, here)
        return merged | values

    def _merged(self, node: Node, path: KeyPath) -> dict[str, Any]:
        """``<<: *defaults`` or a list of them; the first of a list wins, as YAML has it."""
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        result: dict[str, Any] = {}
        for part in reversed(nodes):
            if not isinstance(part, MappingNode):
                self._document.report(path, "<< needs a mapping")
                continue
            result |= self.value(part, path)
        return result


def plain_value(text: str) -> Any:
    """An unquoted scalar by YAML 1.2's core schema: null, true, false, numbers, else text."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > 32:  # longer than any number a setting needs
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
